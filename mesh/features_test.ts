import assert from "node:assert/strict";
import { formatPeerName, fromHex, parseEndpoint, WireError } from "../base/mod.ts";
import gobs from "../tests/vectors/features-gob.json" with { type: "json" };
import parses from "../tests/vectors/features-parse.json" with { type: "json" };
import negotiations from "../tests/vectors/overlay-negotiation.json" with { type: "json" };
import subnets from "../tests/vectors/trusted-subnets.json" with { type: "json" };
import {
  agreeOnIndices,
  commonOverlays,
  decodeFeatures,
  encodeFeatures,
  type Features,
  isTrusted,
  parseFeatures,
  parseTrustedSubnet,
} from "./features.ts";

Deno.test("decodeFeatures() agrees with the vectors", () => {
  for (const c of gobs.cases) {
    assert.deepEqual(Object.fromEntries(decodeFeatures(fromHex(c.gob))), c.map);
  }
});

interface ParseCase {
  map: Record<string, string>;
  parsed?: string;
  error?: boolean;
  note: string;
}

Deno.test("parseFeatures() agrees with the vectors", () => {
  for (const c of parses.cases as ParseCase[]) {
    const map = new Map(Object.entries(c.map));
    if (c.error === true) {
      assert.throws(() => parseFeatures(map), WireError, c.note);
      continue;
    }
    const f = parseFeatures(map);
    const text = [
      formatPeerName(f.name),
      f.nickname,
      `uid=${f.uid}`,
      `shortid=${f.shortId ?? 0}`,
      `has=${f.shortId !== undefined}`,
      `trusted=${f.trusted}`,
      `connid=${f.connId}`,
    ].join("|");
    assert.equal(text, c.parsed, c.note);
  }
});

Deno.test("parseFeatures() throws WireError when the name is zero", () => {
  const map = new Map(Object.entries(parses.cases[0]?.map ?? {})).set("Name", "0:0:0:0:0:0");
  assert.throws(() => parseFeatures(map), WireError);
});

Deno.test("encodeFeatures() writes what decodeFeatures() and parseFeatures() read", () => {
  const features: Features = {
    name: 0x020000000001,
    nickname: "hôte",
    uid: 2n ** 64n - 1n,
    connId: 7n,
    shortId: 4095,
    trusted: true,
    overlays: ["weft-shuttle", "sleeve"],
    weft: true,
    liveness: true,
    digest: true,
  };
  assert.deepEqual(parseFeatures(decodeFeatures(encodeFeatures(features))), features);
  const bare = {
    ...features,
    shortId: undefined,
    overlays: undefined,
    weft: false,
    liveness: false,
    digest: false,
  };
  assert.deepEqual(parseFeatures(decodeFeatures(encodeFeatures(bare))), bare);
});

Deno.test("parseFeatures() takes a peer for lively when it says so in the way that we know", () => {
  const base = new Map(Object.entries(parses.cases[0]?.map ?? {}));
  for (
    const [value, lively] of [[undefined, false], ["1", true], ["0", false], ["2", false]] as const
  ) {
    const map = new Map(base);
    if (value !== undefined) map.set("WeftLiveness", value);
    assert.equal(parseFeatures(map).liveness, lively);
  }
});

interface NegotiationCase {
  our_overlays: string[];
  their_feature: string;
  common?: { index: number; name: string }[];
}

Deno.test("commonOverlays() agrees with the vectors", () => {
  for (const c of negotiations.cases as NegotiationCase[]) {
    assert.deepEqual(commonOverlays(c.our_overlays, c.their_feature.split(" ")), c.common ?? []);
  }
});

Deno.test("agreeOnIndices() is false when the remote's order gives another number", () => {
  const agree = (ours: string[], theirs: string[]): boolean =>
    agreeOnIndices(commonOverlays(ours, theirs), theirs);
  assert.equal(agree(["a", "b"], ["a", "b"]), true);
  assert.equal(agree(["a", "b"], ["x", "a", "y", "b"]), true);
  assert.equal(agree(["a", "b", "c"], ["c", "a"]), false);
  assert.equal(agree(["a", "b"], ["b", "a"]), false);
  assert.equal(agree(["b"], ["b", "a", "b"]), true);
});

Deno.test("isTrusted() agrees with the vectors", () => {
  for (const c of subnets.cases) {
    const parsed = (c.trusted_subnets ?? []).map(parseTrustedSubnet);
    assert.equal(isTrusted(parsed, parseEndpoint(c.remote_tcp_addr).ip), c.trusted);
  }
});

Deno.test("parseTrustedSubnet() throws WireError when the text is no network", () => {
  for (
    const text of ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "fd00::/129", "x/8", "1.2.3.4/8/8"]
  ) {
    assert.throws(() => parseTrustedSubnet(text), WireError, text);
  }
});
