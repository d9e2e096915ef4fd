/**
 * Asks a name server for the addresses of a name: one query by UDP, sent again until an answer comes.
 *
 * ```
 *   deno run dns_client.ts SERVER NAME       a line for each address; "NXDOMAIN" and its like for none
 * ```
 *
 * @module
 */

import { createSocket } from "node:dgram";

const PORT = 53;
const AGAIN_MS = 500;
const ATTEMPTS = 6;
const CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

if (import.meta.main) {
  const [server = "", name = ""] = Deno.args;
  const lines = await ask(server, name);
  Deno.stdout.writeSync(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  Deno.exit(0);
}

function ask(server: string, name: string): Promise<string[]> {
  const socket = createSocket("udp4");
  const query = queryFor(name);
  return new Promise((resolve, reject) => {
    let left = ATTEMPTS;
    const send = (): void => {
      if (left-- === 0) return reject(new Error(`Cannot ask ${server}: no answer`));
      socket.send(query, PORT, server);
      setTimeout(send, AGAIN_MS);
    };
    socket.on("error", reject);
    socket.on("message", (answer: Uint8Array) => resolve(addressesIn(new Uint8Array(answer))));
    send();
  });
}

function queryFor(name: string): Uint8Array {
  const labels = name.replace(/\.$/, "").split(".").flatMap((label) => {
    const bytes = new TextEncoder().encode(label);
    return [bytes.length, ...bytes];
  });
  return new Uint8Array([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}

function addressesIn(answer: Uint8Array): string[] {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
  const count = view.getUint16(6);
  if (count === 0) return [CODES[view.getUint16(2) & 15] ?? "unknown"];
  let at = skipName(answer, 12) + 4;
  const found: string[] = [];
  for (let i = 0; i < count; i++) {
    at = skipName(answer, at);
    const [type, length] = [view.getUint16(at), view.getUint16(at + 8)];
    if (type === 1) found.push(answer.subarray(at + 10, at + 14).join("."));
    at += 10 + length;
  }
  return found.sort();
}

function skipName(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let length = bytes[at] ?? 0; length !== 0; length = bytes[at] ?? 0) {
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
  return at + 1;
}
