/**
 * Pairs of ways to do one thing, of which the design relies on one being the cheaper; `ratios.json` says by how much.
 *
 * Ratios inside one run hold on any machine and under load; nanoseconds do not.
 *
 * @module
 */

import { parseIp } from "../../base/mod.ts";
import {
  type AeadLibrary,
  type AeadSuite,
  aesSupported,
  type Arena,
  libgcryptAvailable,
  meshCrypto,
  openAead,
  openSecretbox,
  UdpSocket,
} from "../../ffi/mod.ts";
import { FEW_BYTES, openedLibrary } from "./ratio_libc.ts";
import { checksumCall, joinCall } from "../helpers/hot_paths.ts";
import { FULL_FRAME_BYTES, sleeveSendCall } from "../helpers/sleeve_paths.ts";

/** What is compared: cost of the first divided by cost of the second, each per call. */
export interface Pair {
  /** The way that should be slower, or that is to cost little beside the other. */
  readonly one: () => number;
  /** What it is divided by. */
  readonly other: () => number;
}

/** Payload of a full frame. */
const FULL_BYTES = 1_434;
const TRAIN = 16;

/** All pairs by their names in `ratios.json`. Each is made when it is measured; `undefined`: not on this machine. */
export const PAIRS: Readonly<Record<string, (arena: Arena) => Pair | undefined>> = {
  "FFI call with usize / with u32": callShapes,
  "FFI call with u32 / JavaScript loop": callAndLoop,
  "16-bit checksum loop / sum16": checksums,
  "sealing buffers / offsets": buffers,
  "secretbox / AES-256-GCM": ciphers,
  "AES-256-GCM of libcrypto / AES-256-OCB of libgcrypt": suites,
  "sleeve with cipher / without": sleeves,
  "datagrams one by one / as a train": trains,
  "joining a frame / handing one to the kernel": joining,
};

function callShapes(arena: Arena): Pair {
  const { usize, u32 } = openedLibrary();
  const { base } = arena;
  let k = 0;
  // Computed numbers: a constant would be boxed once.
  return {
    one: () => (usize(base + (k++ & 63), base + 128 + (k & 63), FEW_BYTES), k),
    other: () => (u32(base + (k++ & 63), base + 128 + (k & 63), FEW_BYTES), k),
  };
}

function callAndLoop(arena: Arena): Pair {
  const { u32 } = openedLibrary();
  const { base } = arena;
  let k = 0;
  return {
    one: () => (u32(base + (k++ & 63), base + 128 + (k & 63), FEW_BYTES), k),
    other: () => (k + (k++ & 63) * 7) | 0,
  };
}

function checksums(): Pair {
  const view = new DataView(new ArrayBuffer(2_048));
  for (let i = 0; i < 2_048; i++) view.setUint8(i, i * 7);
  let k = 0;
  const slow = (): number => {
    let sum = 0;
    const begin = 2 + (k++ & 63);
    for (let at = begin; at < begin + 1_400; at += 2) sum += view.getUint16(at);
    return (sum & 0xffff) + (sum >>> 16);
  };
  return { one: slow, other: checksumCall() };
}

function buffers(arena: Arena): Pair {
  const nacl = meshCrypto();
  const [plaintext, nonce] = [new Uint8Array(FULL_BYTES), new Uint8Array(24)];
  const key = new Uint8Array(32).fill(7);
  return { one: () => nacl.seal(plaintext, nonce, key).length, other: secretboxCall(arena) };
}

function secretboxCall(arena: Arena): () => number {
  const box = openSecretbox(arena);
  const handle = box.addKey(new Uint8Array(32).fill(7));
  const [nonce, at] = [arena.alloc(24), arena.alloc(2_048)];
  return () => {
    box.seal(handle, nonce, at, FULL_BYTES);
    return at;
  };
}

function ciphers(arena: Arena): Pair | undefined {
  // In software it would be the slower of the two, and is not chosen.
  if (!aesSupported()) return undefined;
  return { one: secretboxCall(arena), other: aeadCall(arena, "AES-256-GCM", "libcrypto") };
}

function suites(arena: Arena): Pair | undefined {
  if (!aesSupported() || !libgcryptAvailable()) return undefined;
  return {
    one: aeadCall(arena, "AES-256-GCM", "libcrypto"),
    other: aeadCall(arena, "AES-256-OCB", "libgcrypt"),
  };
}

function aeadCall(arena: Arena, suite: AeadSuite, library: AeadLibrary): () => number {
  const aead = openAead(suite, new Uint8Array(32).fill(7), "seal", arena, library);
  const [nonce, at] = [arena.alloc(12), arena.alloc(2_048)];
  return () => aead.seal(nonce, at, at, FULL_BYTES, at + FULL_BYTES) ? 1 : 0;
}

function sleeves(arena: Arena): Pair {
  const box = openSecretbox(arena);
  return {
    one: sleeveSendCall(FULL_FRAME_BYTES, arena, box),
    other: sleeveSendCall(FULL_FRAME_BYTES, arena),
  };
}

/** Both send to a socket that nobody reads: the kernel does all its work and drops in the end. */
function trains(arena: Arena): Pair {
  const socket = loopbackSocket(arena);
  const [payload, segment] = [arena.alloc(TRAIN * 1_400), 1_400];
  for (let i = 0; i < TRAIN; i++) socket.prepare(i, 0, payload, segment, 0);
  socket.prepare(TRAIN, 0, payload, TRAIN * segment, segment);
  return { one: () => socket.send(0, TRAIN), other: () => socket.send(TRAIN, 1) };
}

function joining(arena: Arena): Pair {
  const socket = loopbackSocket(arena);
  socket.prepare(0, 0, arena.alloc(2_048), 1_400, 0);
  return { one: joinCall(true), other: () => socket.send(0, 1) };
}

function loopbackSocket(arena: Arena): UdpSocket {
  const options = {
    family: 4,
    host: parseIp("127.0.0.1"),
    port: 0,
    receiveBufferBytes: 4_096,
    sendBufferBytes: 1 << 20,
    receiveSlots: 1,
    slotBytes: 2_048,
    sendSlots: TRAIN + 1,
    endpoints: 1,
    gso: true,
    gro: true,
  } as const;
  const [socket, sink] = [UdpSocket.open(arena, options), UdpSocket.open(arena, options)];
  socket.setEndpoint(0, { ip: parseIp("127.0.0.1"), port: sink.port });
  return socket;
}
