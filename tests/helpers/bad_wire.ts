/**
 * The program between two hosts with a bad network between them; `bad_path.ts` starts it.
 *
 * ```
 *   bad_wire.ts LEFT LEFT_HOST RIGHT RIGHT_HOST TCP_PORT UDP_PORTS FAULTS      addresses; ports 1,2,3; FAULTS as JSON
 *
 *   left host --UDP--> LEFT:port  [ faults ]  RIGHT:port --UDP--> right host        each port with the same seed
 *             --TCP--> LEFT:port  [ nothing ] RIGHT:port --TCP--> right host        only from left to right
 * ```
 *
 * @module
 */

import { Underlay } from "./underlay_shell.ts";

const SEED = 1;

const [left = "", leftHost = "", right = "", rightHost = "", tcp = "", udp = "", faults = "{}"] =
  Deno.args;
for (const port of udp.split(",").map(Number)) {
  await Underlay.open(
    [
      { host: left, port, peer: { host: leftHost, port } },
      { host: right, port, peer: { host: rightHost, port } },
    ],
    JSON.parse(faults),
    SEED,
  );
}
const listener = Deno.listen({ hostname: left, port: Number(tcp) });
Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
for await (const near of listener) void join(near);

async function join(near: Deno.TcpConn): Promise<void> {
  try {
    const far = await Deno.connect({ hostname: rightHost, port: Number(tcp) });
    await Promise.all([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
  } catch {
    // One of the two has gone; the other will notice.
    near.close();
  }
}
