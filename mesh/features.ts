/**
 * Features: what each side says about itself in its first message (spec/mesh.md 5.4, spec/sleeve.md 9.1).
 *
 * A gob map of strings. Unknown keys are ignored on both sides; ours begin with `Weft`.
 *
 * @module
 */

import {
  formatPeerName,
  GobDecoder,
  GobEncoder,
  gobMap,
  gobString,
  parseIp,
  parsePeerName,
  type PeerName,
  UNKNOWN_PEER,
  WireError,
} from "../base/mod.ts";

/** What one side says about itself. */
export interface Features {
  /** Its name. */
  readonly name: PeerName;
  /** Its label; may be empty. */
  readonly nickname: string;
  /** New at every start, 64 bits. */
  readonly uid: bigint;
  /** Random for each connection, 64 bits. */
  readonly connId: bigint;
  /** Its 12-bit id. */
  readonly shortId: number | undefined;
  /** It trusts the network between us. */
  readonly trusted: boolean;
  /** Its overlays in order of preference, `undefined` for routers that are too old to say. */
  readonly overlays: readonly string[] | undefined;
  /** It is weft. */
  readonly weft: boolean;
  /** It sends heartbeats many times a second to others that say so, and expects as many. */
  readonly liveness: boolean;
  /** It can compare tables by digest (`digest.ts`). */
  readonly digest: boolean;
}

/** An overlay that both sides have; `index` is its number in control messages. */
export interface CommonOverlay {
  /** Position in the common list. */
  readonly index: number;
  /** Name on the wire. */
  readonly name: string;
}

const FLAVOUR = "mac";
const LIVENESS = "WeftLiveness";
const UINT64_LIMIT = 1n << 64n;
const MAX_OVERLAYS = 256;
const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];
const MAP = gobMap(gobString, gobString);

/** Encodes features as a gob map. */
export function encodeFeatures(features: Features): Uint8Array {
  const pairs: [string, string][] = [
    ["PeerNameFlavour", FLAVOUR],
    ["Name", formatPeerName(features.name)],
    ["NickName", features.nickname],
    ["UID", features.uid.toString()],
    ["ConnID", features.connId.toString()],
    ["Trusted", String(features.trusted)],
  ];
  if (features.shortId !== undefined) pairs.push(["ShortID", features.shortId.toString()]);
  if (features.overlays !== undefined) pairs.push(["Overlays", features.overlays.join(" ")]);
  if (features.weft) pairs.push(["WeftVersion", "1"]);
  if (features.liveness) pairs.push([LIVENESS, "1"]);
  if (features.digest) pairs.push(["WeftDigest", "1"]);
  return new GobEncoder().write(MAP, pairs).bytes();
}

/** Decodes the gob map; of a repeated key the last counts. @throws {WireError} if it does not parse */
export function decodeFeatures(bytes: Uint8Array): Map<string, string> {
  return new Map(new GobDecoder(bytes).next(MAP));
}

/** Interprets a features map. @throws {WireError} if a key is missing or has a bad value */
export function parseFeatures(map: ReadonlyMap<string, string>): Features {
  if (map.get("PeerNameFlavour") !== FLAVOUR) fail("PeerNameFlavour", FLAVOUR);
  const name = parsePeerName(map.get("Name") ?? "");
  if (name === UNKNOWN_PEER) fail("Name", "a name that is not zero");
  const nickname = map.get("NickName");
  if (nickname === undefined) return fail("NickName", "a text");
  const trusted = map.get("Trusted") ?? "false";
  if (![...TRUE, ...FALSE].includes(trusted)) fail("Trusted", "true or false");
  const shortId = map.get("ShortID");
  return {
    name,
    nickname,
    uid: parseUint(map, "UID", UINT64_LIMIT),
    connId: parseUint(map, "ConnID", UINT64_LIMIT),
    shortId: shortId === undefined ? undefined : Number(parseUint(map, "ShortID", 4096n)),
    trusted: TRUE.includes(trusted),
    overlays: map.get("Overlays")?.split(" ").filter((overlay) => overlay !== ""),
    weft: [...map.keys()].some((key) => key.startsWith("Weft")),
    // Another value is another way of being lively, which we do not know.
    liveness: map.get(LIVENESS) === "1",
    digest: map.get("WeftDigest") === "1",
  };
}

function parseUint(map: ReadonlyMap<string, string>, key: string, limit: bigint): bigint {
  const text = map.get(key) ?? "";
  // 20 digits hold 64 bits; leading zeros are allowed, but not without end.
  if (!/^[0-9]{1,40}$/.test(text)) fail(key, "a decimal number");
  const value = BigInt(text);
  return value < limit ? value : fail(key, `a number below ${limit}`);
}

function fail(key: string, expected: string): never {
  throw new WireError(`feature ${key}`, 0, expected);
}

/** Returns the overlays that both sides have, in our order; what both ends number alike. */
export function commonOverlays(
  ours: readonly string[],
  theirs: readonly string[],
): CommonOverlay[] {
  const known = new Set(theirs);
  return ours.filter((name) => known.has(name)).slice(0, MAX_OVERLAYS)
    .map((name, index) => ({ index, name }));
}

/** Tells whether the remote, keeping its own order, gives every common overlay the number that we give it. */
export function agreeOnIndices(
  common: readonly CommonOverlay[],
  theirs: readonly string[],
): boolean {
  const names = new Set(common.map((overlay) => overlay.name));
  const theirOrder = [...new Set(theirs)].filter((name) => names.has(name));
  return common.every((overlay) => theirOrder[overlay.index] === overlay.name);
}

/** A network whose members we trust: 16 bytes and how many leading bits of them count. */
export interface TrustedSubnet {
  /** Address, IPv4 mapped. */
  readonly ip: Uint8Array;
  /** 0 to 128. */
  readonly bits: number;
}

/** Parses `10.0.0.0/8` or `fd00::/8`. @throws {WireError} for anything else */
export function parseTrustedSubnet(text: string): TrustedSubnet {
  const [address, length, more] = text.split("/");
  const v4 = !(address ?? "").includes(":");
  const bits = Number(length);
  if (more !== undefined || !/^[0-9]{1,3}$/.test(length ?? "") || bits > (v4 ? 32 : 128)) {
    throw new WireError(`trusted subnet "${text}"`, 0, "a network such as 10.0.0.0/8");
  }
  return { ip: parseIp(address ?? ""), bits: v4 ? 96 + bits : bits };
}

/** Tells whether an address (16 bytes) lies in one of the networks. */
export function isTrusted(subnets: readonly TrustedSubnet[], ip: Uint8Array): boolean {
  return subnets.some((subnet) => {
    for (let bit = 0; bit < subnet.bits; bit++) {
      const mask = 0x80 >> (bit & 7);
      if (((subnet.ip[bit >> 3] ?? 0) & mask) !== ((ip[bit >> 3] ?? 0) & mask)) return false;
    }
    return true;
  });
}
