/**
 * Asks a name server, as many questions as are given, one after the other.
 *
 * ```
 *   deno run dns_query.ts SERVER "NAME TYPE" "NAME TYPE tcp" "NAME TYPE edns=4096" ...
 *   deno run dns_query.ts SERVER noise=10000          so many datagrams that are no queries, or damaged ones
 * ```
 *
 * Prints a line of JSON for each: what was told, and in how many ms. No answer for 10 s: `{ "rcode": "none" }`.
 *
 * @module
 */

import { ask, tell } from "./dns.ts";
import { pause } from "./until.ts";

const PORT = 53;
const PATIENCE_MS = 10_000;
const NOISE_BYTES = 600;

if (import.meta.main) {
  const [server = "", ...questions] = Deno.args;
  for (const [i, question] of questions.entries()) {
    const count = Number(/^noise=([0-9]+)$/.exec(question)?.[1] ?? 0);
    const line = count > 0 ? await noise(server, count) : await put(server, question, i + 1);
    Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
  }
  Deno.exit(0);
}

async function put(server: string, question: string, id: number): Promise<unknown> {
  const [name = "", type = "", ...options] = question.split(" ");
  const edns = options.map((each) => /^edns=([0-9]+)$/.exec(each)?.[1]).find((each) => each);
  const query = ask(name, type, edns === undefined ? { id } : { id, edns: Number(edns) });
  const start = performance.now();
  const way = options.includes("tcp") ? byTcp : byUdp;
  const answer = await Promise.race([
    way(server, query),
    pause(PATIENCE_MS).then(() => undefined),
  ]);
  const ms = Math.round(performance.now() - start);
  return answer === undefined ? { rcode: "none", ms } : { ...tell(answer), ms };
}

async function byUdp(hostname: string, query: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const socket = openUdp();
  await socket.send(query, { transport: "udp", hostname, port: PORT });
  const [bytes] = await socket.receive(new Uint8Array(65_535));
  socket.close();
  return bytes.slice();
}

async function byTcp(hostname: string, query: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  using connection = await Deno.connect({ hostname, port: PORT });
  await connection.write(Uint8Array.of(query.length >> 8, query.length & 255, ...query));
  const buffer = new Uint8Array(65_537);
  let length = 0;
  const whole = (): number =>
    length < 2 ? Infinity : 2 + ((buffer[0] ?? 0) << 8) + (buffer[1] ?? 0);
  while (length < whole()) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) throw new Error("Cannot read an answer: the server has closed");
    length += count;
  }
  return buffer.slice(2, length);
}

async function noise(hostname: string, count: number): Promise<unknown> {
  const socket = openUdp();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const bytes = i % 2 === 0 ? anything() : damaged(i);
    await socket.send(bytes, { transport: "udp", hostname, port: PORT });
  }
  socket.close();
  return { sent: count, ms: Math.round(performance.now() - start) };
}

function openUdp(): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
}

function anything(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(Math.floor(Math.random() * NOISE_BYTES)));
}

/** A query in which some bytes are others, and that may end early. */
function damaged(id: number): Uint8Array<ArrayBuffer> {
  const bytes = ask("web.weave.local", "A", { id: id & 0xffff, edns: 1232 });
  for (let k = 0; k < 1 + id % 4; k++) {
    bytes[Math.floor(Math.random() * bytes.length)] = Math.floor(Math.random() * 256);
  }
  return id % 3 === 0 ? bytes.slice(0, Math.floor(Math.random() * bytes.length)) : bytes;
}
