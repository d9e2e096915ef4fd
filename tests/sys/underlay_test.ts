import { deepEqual } from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { Underlay } from "../helpers/underlay_shell.ts";
import { until } from "../helpers/until.ts";

const HERE = "127.0.0.1";

function listener(): Promise<{ socket: Socket; heard: string[] }> {
  const socket = createSocket("udp4");
  const heard: string[] = [];
  socket.on("message", (message) => heard.push(message.toString()));
  return new Promise((resolve) => socket.bind(0, HERE, () => resolve({ socket, heard })));
}

Deno.test("Underlay carries datagrams both ways and repeats those it should", async () => {
  const a = await listener();
  const b = await listener();
  {
    const peer = { host: HERE, port: b.socket.address().port };
    await using underlay = await Underlay.open(
      [{ host: HERE, port: 0 }, { host: HERE, port: 0, peer }],
      { delayMs: 1 },
      1,
    );
    a.socket.send("there", underlay.ports[0], HERE);
    await until(() => b.heard.length === 1, 3000, "the way there");
    underlay.back.faults = { duplication: 1 };
    b.socket.send("back", underlay.ports[1], HERE);
    await until(() => a.heard.length === 2, 3000, "the way back");
  }
  a.socket.close();
  b.socket.close();
  deepEqual([b.heard, a.heard], [["there"], ["back", "back"]]);
});
