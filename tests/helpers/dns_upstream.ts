/**
 * A name server that knows every name outside a mesh: 192.0.2.80, by UDP.
 *
 * ```
 *   deno run dns_upstream.ts ADDRESS [silent]       "ready", then a line "asked NAME TYPE" for each query
 * ```
 *
 * A silent one hears, and never answers.
 *
 * @module
 */

import { Buffer } from "node:buffer";
// @ts-types="./dns_packet_types.ts"
import * as dnsPacket from "dns-packet";
import { encode } from "./dns.ts";

const PORT = 53;
const ANSWER = "192.0.2.80";

if (import.meta.main) {
  const [hostname = "", mode] = Deno.args;
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: PORT });
  say("ready");
  for await (const [bytes, from] of socket) {
    const { id, questions } = dnsPacket.decode(Buffer.from(bytes));
    const [question] = questions;
    if (question === undefined) continue;
    const { name, type } = question;
    say(`asked ${name} ${type}`);
    if (mode === "silent") continue;
    const answers = type === "A" ? [{ name, type: "A", ttl: 60, data: ANSWER }] : [];
    const flags = dnsPacket.RECURSION_DESIRED;
    await socket.send(
      encode({ type: "response", id, flags, questions: [question], answers }),
      from,
    );
  }
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
