import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, fromHex, parsePeerName, toHex, WireError } from "../base/mod.ts";
import envelopes from "../tests/vectors/gossip-envelopes.json" with { type: "json" };
import lengths from "../tests/vectors/length-prefix.json" with { type: "json" };
import controls from "../tests/vectors/overlay-control.json" with { type: "json" };
import {
  broadcastMessage,
  ByteQueue,
  gossipMessage,
  heartbeatMessage,
  MAX_MESSAGE_BYTES,
  overlayMessage,
  parseMessage,
  unicastMessage,
  withLength,
} from "./wire.ts";

interface EnvelopeCase {
  kind: string;
  channel: string;
  source: string;
  destination?: string;
  payload: string;
  message: string;
}

Deno.test("parseMessage() and the envelope writers agree with the vectors", () => {
  for (const c of envelopes.cases as EnvelopeCase[]) {
    const source = parsePeerName(c.source);
    const payload = fromHex(c.payload);
    const parsed = parseMessage(fromHex(c.message));
    const { channel } = c;
    if (c.kind === "unicast") {
      const destination = parsePeerName(c.destination ?? "");
      assert.deepEqual(parsed, { kind: "unicast", channel, source, destination, payload });
      assert.equal(toHex(unicastMessage(channel, source, destination, payload)), c.message);
    } else {
      assert.deepEqual(parsed, { kind: c.kind, channel, source, payload });
      const write = c.kind === "gossip" ? gossipMessage : broadcastMessage;
      assert.equal(toHex(write(channel, source, payload)), c.message);
    }
  }
});

Deno.test("overlayMessage() and parseMessage() agree with the vectors when overlays are listed", () => {
  for (const c of controls.cases.filter((each) => each.has_overlays_feature)) {
    const bytes = fromHex(c.tcp_plaintext);
    const index = c.our_overlays.indexOf(c.overlay);
    const body = fromHex(c.overlay_msg);
    assert.deepEqual(parseMessage(bytes), { kind: "overlay", index, tag: c.overlay_tag, body });
    assert.deepEqual(overlayMessage(index, c.overlay_tag, body), bytes);
  }
});

Deno.test("parseMessage() returns unknown when a message is empty, short or of no known tag", () => {
  for (const hex of ["", "07", "0700", "01", "02", "030586", "08", "ff00"]) {
    assert.deepEqual(parseMessage(fromHex(hex)), { kind: "unknown" }, hex);
  }
  assert.deepEqual(parseMessage(fromHex("00aa")), { kind: "heartbeat" });
  assert.deepEqual(heartbeatMessage(), fromHex("00"));
});

Deno.test("parseMessage() returns a value or throws WireError when bytes are arbitrary", () => {
  const tag = fc.constantFrom(0, 4, 5, 6, 7, 9);
  fc.assert(
    fc.property(tag, fc.uint8Array({ maxLength: 80 }), (first, rest) => {
      try {
        parseMessage(concat(Uint8Array.of(first), rest));
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

interface LengthCase {
  length: number;
  header: string;
  payload?: string;
  wire?: string;
  accepted: boolean;
}

Deno.test("withLength() and ByteQueue.takePayload() agree with the vectors", () => {
  for (const c of lengths.cases as LengthCase[]) {
    const queue = new ByteQueue();
    queue.push(fromHex(c.header));
    if (!c.accepted) {
      assert.throws(() => queue.takePayload(MAX_MESSAGE_BYTES), WireError);
      assert.throws(() => withLength(new Uint8Array(c.length)), RangeError);
      continue;
    }
    const payload = c.payload === undefined ? new Uint8Array(c.length) : fromHex(c.payload);
    if (c.length > 0) assert.equal(queue.takePayload(MAX_MESSAGE_BYTES), undefined);
    queue.push(payload);
    assert.equal(queue.takePayload(MAX_MESSAGE_BYTES)?.length, c.length);
    assert.equal(queue.length, 0);
    assert.equal(toHex(withLength(payload).subarray(0, 4)), c.header);
    if (c.wire !== undefined) assert.equal(toHex(withLength(payload)), c.wire);
  }
});

Deno.test("ByteQueue.takePayload() returns what was sent however the stream is cut", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 10 });
  fc.assert(
    fc.property(
      messages,
      fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1 }),
      (sent, cuts) => {
        const stream = concat(...sent.map(withLength));
        const queue = new ByteQueue();
        const received: Uint8Array[] = [];
        let at = 0;
        for (let i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          queue.push(stream.subarray(at, at + size));
          at += size;
          for (let next = queue.takePayload(4000); next !== undefined;) {
            received.push(next);
            next = queue.takePayload(4000);
          }
        }
        assert.deepEqual(received.map((each) => [...each]), sent.map((each) => [...each]));
        assert.equal(queue.length, 0);
      },
    ),
    { numRuns: 200 },
  );
});
