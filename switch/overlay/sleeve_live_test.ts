import assert from "node:assert/strict";
import {
  formatEndpoint,
  formatPeerName,
  mapIpv4,
  parseIpv4,
  parsePeerName,
} from "../../base/mod.ts";
import { openSecretbox } from "../../ffi/mod.ts";
import { type CapturedDatagram, readUdp } from "../../tests/helpers/pcap.ts";
import encryptedDecoded from "../../tests/vectors/live-encrypted.decoded.json" with {
  type: "json",
};
import encryptedPcap from "../../tests/vectors/live-encrypted.pcap" with { type: "bytes" };
import plainDecoded from "../../tests/vectors/live-plain.decoded.json" with { type: "json" };
import plainPcap from "../../tests/vectors/live-plain.pcap" with { type: "bytes" };
import { arraySlab, type Slab } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import {
  isSpecial,
  isZero,
  NONCE_BYTES,
  packetOverheadBytes,
  RECORD_HEADER_BYTES,
  recordEnd,
  SEALED_HEADER_BYTES,
  TAG_OFFSET,
  writeNonce,
} from "../wire/sleeve_packet.ts";
import type { Overlay } from "./overlay.ts";
import { sleeveOverlay } from "./sleeve.ts";

interface DecodedFrame {
  src: string;
  dst: string;
  length: number;
  special?: string;
  conn_uid?: string;
  eth?: { dst: string; src: string; type: string };
  frame?: string;
}

interface DecodedCase {
  t: number;
  from: string;
  proto: string;
  ports?: number[];
  ip_df?: boolean;
  udp_checksum_zero?: boolean;
  ip_fragments?: number;
  udp_length?: number;
  sender_peer?: string;
  df_space?: boolean;
  seq?: number;
  frames?: DecodedFrame[];
  event?: string;
  overlay_tag?: number;
  overlay_msg?: string;
}

interface Decoded {
  session_key?: string;
  conn_uid: string;
  cases: DecodedCase[];
}

/** host2, 10.98.0.2, dialled. */
const DIALLER = "10.98.0.2";
const HOSTS = ["10.98.0.1", "10.98.0.2"] as const;
const NAMES: Record<string, string> = {
  "10.98.0.1": "02:00:00:00:00:01",
  "10.98.0.2": "02:00:00:00:00:02",
};

const captures = [
  { what: "plain", pcap: plainPcap, decoded: plainDecoded as Decoded, sealed: false },
  { what: "encrypted", pcap: encryptedPcap, decoded: encryptedDecoded as Decoded, sealed: true },
];

for (const { what, pcap, decoded, sealed } of captures) {
  const datagrams = readUdp(pcap);
  const expected = decoded.cases.filter(({ proto }) => proto === "udp");

  Deno.test(`each datagram of the ${what} capture decodes as the reference's`, () => {
    assert.ok(expected.length > 20);
    assert.equal(datagrams.length, expected.length);
    datagrams.forEach((datagram, i) => {
      const { t, ...rest } = expected[i] ?? { t: 0 };
      assert.deepEqual(decode(datagram, sealed, decoded.session_key), rest);
      assert.ok(Math.abs(t - datagram.seconds) < 0.01, `${t} is ${datagram.seconds}`);
    });
  });

  for (const us of HOSTS) {
    Deno.test(`the overlay in the place of ${us} reacts to the ${what} capture as the reference did`, () => {
      const them = us === HOSTS[0] ? HOSTS[1] : HOSTS[0];
      const { overlay, slab, at } = place(us, them, decoded, sealed);
      const frames: string[] = [];
      for (const datagram of datagrams.filter(({ from }) => from === them)) {
        slab.bytes.set(datagram.payload, at);
        const ip = mapIpv4(parseIpv4(datagram.from));
        const source = { ip, port: datagram.ports[0] };
        assert.ok(
          overlay.receive(at, datagram.payload.length, () => source, 1000 * datagram.seconds),
        );
        for (let frame = overlay.next(); frame !== undefined; frame = overlay.next()) {
          frames.push(slab.bytes.slice(frame.offset, frame.offset + frame.length).toHex());
        }
      }
      const sent = expected.filter(({ from }) => from === them).flatMap((each) => each.frames ?? [])
        .filter(({ special }) => special === undefined);
      assert.equal(frames.length, sent.length);
      sent.forEach(({ frame, length }, i) => {
        assert.equal((frames[i] ?? "").length, 2 * length);
        if (frame !== undefined) assert.equal(frames[i], frame);
      });
      const told = decoded.cases.filter((each) =>
        each.event === "overlay control" && each.from === us
      ).map((each) => `${each.overlay_tag} ${each.overlay_msg}`);
      const { controls, remote } = events(overlay);
      assert.deepEqual(controls, told);
      assert.equal(remote, `${them}:6783`);
    });
  }
}

function place(
  us: string,
  them: string,
  decoded: Decoded,
  sealed: boolean,
): { overlay: Overlay; slab: Slab; at: number } {
  const slab = arraySlab(1 << 20);
  const overlay = sleeveOverlay({
    slab,
    outbox: new Outbox(slab, 1 << 18, 16),
    secretbox: openSecretbox({ bytes: slab.bytes }),
    self: parsePeerName(NAMES[us] ?? ""),
    count: (counter) => assert.fail(`counter ${counter}`),
  });
  const key = sealed ? Uint8Array.fromHex(decoded.session_key ?? "") : undefined;
  overlay.open(
    {
      link: 1,
      index: 0,
      peer: parsePeerName(NAMES[them] ?? ""),
      connUid: BigInt(decoded.conn_uid),
      outbound: us === DIALLER,
      key,
      remote: undefined,
    },
    0,
    0,
  );
  return { overlay, slab, at: slab.alloc(66_000) };
}

function events(overlay: Overlay): { controls: string[]; remote: string } {
  const controls: string[] = [];
  let remote = "";
  for (let event = overlay.poll(); event !== undefined; event = overlay.poll()) {
    if (event.kind === "control") controls.push(`${event.tag} ${event.body.toHex()}`);
    else if (event.tunnel.remote !== undefined) remote = formatEndpoint(event.tunnel.remote);
  }
  return { controls, remote };
}

/** Decodes with the functions of the wire file, into the shape of the decoded capture. */
function decode(datagram: CapturedDatagram, sealed: boolean, key: string | undefined): unknown {
  const slab = arraySlab(70_000);
  const nonce = slab.alloc(NONCE_BYTES);
  const at = slab.alloc(66_000);
  const { view, bytes } = slab;
  const { length } = datagram.payload;
  bytes.set(datagram.payload, at);
  if (sealed) {
    writeNonce(view, nonce, datagram.from === DIALLER, at);
    const box = openSecretbox({ bytes });
    const handle = box.addKey(Uint8Array.fromHex(key ?? ""));
    assert.ok(box.open(handle, nonce, at + TAG_OFFSET, length - SEALED_HEADER_BYTES));
  }
  const frames: DecodedFrame[] = [];
  const end = at + length;
  for (let record = at + packetOverheadBytes(sealed); record < end;) {
    const next = recordEnd(view, record, end);
    assert.ok(next > record, "well formed");
    frames.push(decodeFrame(slab, record, next - record - RECORD_HEADER_BYTES));
    record = next;
  }
  const sequence = view.getBigUint64(at + 6);
  return {
    from: datagram.from,
    proto: "udp",
    ports: [...datagram.ports],
    ip_df: datagram.df,
    udp_checksum_zero: datagram.checksumZero,
    ip_fragments: datagram.fragments,
    udp_length: length,
    sender_peer: nameAt(bytes, at),
    ...(sealed
      ? { df_space: sequence >> 63n === 1n, seq: Number(BigInt.asUintN(63, sequence)) }
      : {}),
    frames,
  };
}

function decodeFrame(slab: Slab, record: number, length: number): DecodedFrame {
  const { view, bytes } = slab;
  const frame = record + RECORD_HEADER_BYTES;
  const common = { src: nameAt(bytes, record), dst: nameAt(bytes, record + 6), length };
  if (isSpecial(view, frame)) {
    if (length === 22) {
      const conn_uid = view.getBigUint64(frame + 14).toString();
      return { ...common, special: "heartbeat", conn_uid };
    }
    if (length === 60_001 && isZero(view, frame, length)) {
      return { ...common, special: "fragmentation test" };
    }
    return { ...common, special: `mtu test ${length - 14}` };
  }
  const eth = {
    dst: nameAt(bytes, frame),
    src: nameAt(bytes, frame + 6),
    type: bytes.slice(frame + 12, frame + 14).toHex(),
  };
  const hex = bytes.slice(frame, frame + length).toHex();
  return length < 200 ? { ...common, eth, frame: hex } : { ...common, eth };
}

function nameAt(bytes: Uint8Array, at: number): string {
  return formatPeerName(Number.parseInt(bytes.slice(at, at + 6).toHex(), 16));
}
