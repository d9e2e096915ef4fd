/**
 * Small traffic tools that run as processes inside a namespace. Each says "ready" once it hears.
 *
 * ```
 *   datagrams-in  PORT [GROUP INTERFACE_ADDRESS]      a line "got TEXT" per datagram
 *   datagrams-out ADDRESS PORT TEXT COUNT             TEXT-0, TEXT-1 ...; to groups and broadcast addresses too
 *   frames-in     INTERFACE ETHERTYPE                 a line "got SOURCE_MAC TEXT" per frame
 *   frames-out    INTERFACE DESTINATION ETHERTYPE TEXT COUNT
 *   sniff         INTERFACE PORT TEXT                 what UDP datagrams to or from PORT come in there: "type 11" for each
 *                                                     first byte at its first sight, "text" when TEXT is seen in any frame
 *   tcp-in        PORT BYTES                          one connection: "received HASH", then "sent HASH"
 *   tcp-out       ADDRESS PORT BYTES                  "sent HASH", then "received HASH"
 *   noise-tcp     ADDRESS PORT BYTES                  random bytes on one connection, until it is closed
 *   noise-udp     ADDRESS PORT BYTES                  random datagrams
 *   idle-tcp      ADDRESS PORT COUNT                  connections that say nothing; "open N" once a second
 * ```
 *
 * The receivers run until they are ended. ETHERTYPE is hexadecimal.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { PacketSocket } from "../../ffi/mod.ts";

const BROADCAST = "ff:ff:ff:ff:ff:ff";
const CHUNK_BYTES = 65_536;
const NOISE_BYTES = 1200;
const PROTOCOL_UDP = 17;

const [tool = "", ...rest] = Deno.args;
const TOOLS: Readonly<Record<string, (...args: string[]) => void | Promise<void>>> = {
  "datagrams-in": datagramsIn,
  "datagrams-out": datagramsOut,
  "frames-in": framesIn,
  "frames-out": framesOut,
  "sniff": sniff,
  "tcp-in": tcpIn,
  "tcp-out": tcpOut,
  "noise-tcp": noiseTcp,
  "noise-udp": noiseUdp,
  "idle-tcp": idleTcp,
};

if (import.meta.main) {
  const run = TOOLS[tool];
  if (run === undefined) {
    say(`Cannot make traffic: unknown tool "${tool}"; there are ${Object.keys(TOOLS).join(", ")}`);
    Deno.exit(1);
  }
  await run(...rest);
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

function datagramsIn(port = "", group = "", local = ""): void {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  socket.on("message", (message) => say(`got ${message.toString()}`));
  socket.bind(Number(port), () => {
    if (group !== "") socket.addMembership(group, local);
    say("ready");
  });
}

async function datagramsOut(
  address = "",
  port = "",
  text = "",
  count = "1",
): Promise<void> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  socket.setBroadcast(true);
  for (let i = 0; i < Number(count); i++) {
    await new Promise((resolve) => socket.send(`${text}-${i}`, Number(port), address, resolve));
  }
  socket.close();
}

function framesIn(name = "", etherType = ""): void {
  const options = { ifindex: interfaceIndex(name), etherType: parseInt(etherType, 16) };
  using socket = PacketSocket.open(options);
  say("ready");
  for (;;) {
    const frame = socket.receive(1000);
    if (frame === undefined) continue;
    const end = frame.indexOf(0, 14);
    const text = new TextDecoder().decode(frame.subarray(14, end < 0 ? frame.length : end));
    say(`got ${macText(frame.subarray(6, 12))} ${text}`);
  }
}

function framesOut(
  name = "",
  destination = BROADCAST,
  etherType = "",
  text = "",
  count = "1",
): void {
  const index = interfaceIndex(name);
  using socket = PacketSocket.open({ ifindex: index });
  for (let i = 0; i < Number(count); i++) {
    const frame = new Uint8Array(60);
    frame.set(macBytes(destination), 0);
    frame.set(macBytes(Deno.readTextFileSync(`/sys/class/net/${name}/address`).trim()), 6);
    new DataView(frame.buffer).setUint16(12, parseInt(etherType, 16));
    frame.set(new TextEncoder().encode(`${text}-${i}`), 14);
    socket.send(index, frame);
  }
}

/** Hears trains as the kernel hands them on: whole, the payloads one behind the other. */
function sniff(name = "", port = "", text = ""): void {
  using socket = PacketSocket.open({ ifindex: interfaceIndex(name) });
  const wanted = new TextEncoder().encode(text).toHex();
  const seen = new Set<string>();
  const first = (what: string): void => {
    if (seen.has(what)) return;
    seen.add(what);
    say(what);
  };
  say("ready");
  for (;;) {
    const frame = socket.receive(1000);
    if (frame === undefined) continue;
    const payload = udpPayload(frame, Number(port));
    if (payload !== undefined && payload.length > 0) first(`type ${payload.slice(0, 1).toHex()}`);
    if (!seen.has("text") && frame.toHex().includes(wanted)) first("text");
  }
}

/** The payload of a UDP datagram in a frame, if one end of it has this port; later fragments are none. */
function udpPayload(frame: Uint8Array, port: number): Uint8Array | undefined {
  if (frame.length < 62) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const v6 = view.getUint16(12) === 0x86dd;
  if (!v6 && (view.getUint16(12) !== 0x0800 || (view.getUint16(20) & 0x1fff) !== 0)) {
    return undefined;
  }
  if (view.getUint8(v6 ? 20 : 23) !== PROTOCOL_UDP) return undefined;
  const udp = v6 ? 54 : 14 + (view.getUint8(14) & 15) * 4;
  if (view.getUint16(udp) !== port && view.getUint16(udp + 2) !== port) return undefined;
  return frame.subarray(udp + 8);
}

async function tcpIn(port = "", bytes = ""): Promise<void> {
  using listener = Deno.listen({ hostname: "0.0.0.0", port: Number(port) });
  say("ready");
  using connection = await listener.accept();
  await receiveAll(connection);
  await sendRandom(connection, Number(bytes));
}

async function tcpOut(address = "", port = "", bytes = ""): Promise<void> {
  using connection = await Deno.connect({ hostname: address, port: Number(port) });
  await sendRandom(connection, Number(bytes));
  await receiveAll(connection);
}

async function sendRandom(connection: Deno.TcpConn, bytes: number): Promise<void> {
  const hash = createHash("sha256");
  for (let left = bytes; left > 0;) {
    const chunk = crypto.getRandomValues(new Uint8Array(Math.min(left, CHUNK_BYTES)));
    hash.update(chunk);
    for (let done = 0; done < chunk.length;) done += await connection.write(chunk.subarray(done));
    left -= chunk.length;
  }
  await connection.closeWrite();
  say(`sent ${hash.digest("hex")}`);
}

async function receiveAll(connection: Deno.TcpConn): Promise<void> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === null) break;
    hash.update(buffer.subarray(0, length));
  }
  say(`received ${hash.digest("hex")}`);
}

function noiseTcp(address = "", port = "", bytes = ""): void {
  const socket = connect({ host: address, port: Number(port) });
  const noise = new Uint8Array(Number(bytes));
  for (let i = 0; i < noise.length; i += CHUNK_BYTES) {
    crypto.getRandomValues(noise.subarray(i, i + CHUNK_BYTES));
  }
  socket.on("error", () => {});
  socket.on("data", () => {});
  socket.on("close", () => say("closed"));
  socket.write(noise);
}

async function noiseUdp(address = "", port = "", bytes = ""): Promise<void> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  for (let left = Number(bytes); left > 0; left -= NOISE_BYTES) {
    const noise = crypto.getRandomValues(new Uint8Array(Math.min(left, NOISE_BYTES)));
    await new Promise((resolve) => socket.send(noise, Number(port), address, resolve));
  }
  socket.close();
  say("done");
}

function idleTcp(address = "", port = "", count = ""): void {
  const open = new Set<Socket>();
  for (let i = 0; i < Number(count); i++) {
    const socket = connect({ host: address, port: Number(port) });
    socket.on("connect", () => open.add(socket));
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.on("close", () => open.delete(socket));
  }
  setInterval(() => say(`open ${open.size}`), 1000);
}

function interfaceIndex(name: string): number {
  return Number(Deno.readTextFileSync(`/sys/class/net/${name}/ifindex`));
}

function macBytes(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(":", ""));
}

function macText(bytes: Uint8Array): string {
  return bytes.toHex().replace(/(..)(?=.)/g, "$1:");
}
