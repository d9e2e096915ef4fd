import assert from "node:assert/strict";
import vectors from "../tests/vectors/peer-names.json" with { type: "json" };
import { WireError } from "./bytes.ts";
import { formatPeerName, parsePeerName, peerNameFromBytes, peerNameToBytes } from "./peer_name.ts";

interface NameCase {
  input: string;
  uint64?: string;
  canonical?: string;
  error?: boolean;
}

Deno.test("parsePeerName() and formatPeerName() agree with the vectors", () => {
  for (const c of vectors.cases as NameCase[]) {
    if (c.error === true) {
      assert.throws(() => parsePeerName(c.input), WireError, c.input);
      continue;
    }
    const name = parsePeerName(c.input);
    assert.equal(name.toString(), c.uint64, c.input);
    assert.equal(formatPeerName(name), c.canonical);
    assert.equal(peerNameFromBytes(peerNameToBytes(name)), name);
  }
});

Deno.test("parsePeerName() throws WireError when there are two gaps or too many groups", () => {
  for (const text of ["1::2::3", "::1:2:3:4:5", "1:2:3:4:5::", ":1:2:3:4:5", "1:2:3:4:5:", ":::"]) {
    assert.throws(() => parsePeerName(text), WireError, text);
  }
});
