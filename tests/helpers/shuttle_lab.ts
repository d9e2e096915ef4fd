/**
 * What the labs of shuttle ask of hosts, containers and the wire.
 *
 * @module
 */

import { equal, ok } from "node:assert/strict";
import type { Host, PairRow } from "./lab.ts";
import type { Background, Namespace } from "./namespace.ts";
import { receiver, sender } from "./tools.ts";
import { until } from "./until.ts";

/** From a new link to frames by shuttle on a busy machine: three times what is promised. */
const SHUTTLE_MS = 30_000;
const PORT = "6783";
const TCP_PORT = "5001";
/** What {@link speakPlainly} says. */
const PLAIN = "a text that nobody in between may read";

/** Waits until frames of each host to all others go by shuttle. */
export async function byShuttle(hosts: readonly Host[], deadlineMs = SHUTTLE_MS): Promise<void> {
  await until(
    async () => {
      const pairs = await Promise.all(hosts.map((host) => host.pairs()));
      const wrong = pairs.flatMap((rows, i) => [
        ...(rows.length === hosts.length - 1 ? [] : [`host ${i} reaches ${rows.length} peers`]),
        ...rows.filter(({ overlay }) => overlay !== "shuttle")
          .map(({ peer, reason }) => `host ${i} to ${peer}: ${reason}`),
      ]);
      if (wrong.length > 0) throw new Error(wrong.join("; "));
      return true;
    },
    deadlineMs,
    `shuttle between all of ${hosts.length} hosts`,
  );
}

/** Waits until frames of a host to another go by sleeve for a reason. @returns the pair */
export async function bySleeve(from: Host, to: Host, reason: RegExp): Promise<PairRow> {
  const peer = await to.peerName();
  return await until(
    async () => {
      const row = (await from.pairs()).find((each) => each.peer === peer);
      if (row === undefined) throw new Error("not reached");
      if (row.overlay === "sleeve" && reason.test(row.reason ?? "")) return row;
      throw new Error(`by ${row.overlay}: ${row.reason}`);
    },
    SHUTTLE_MS,
    `sleeve because of ${reason}`,
  );
}

/** Sends bytes by TCP both ways, one direction after the other, and compares what arrives. */
export async function tcpIntact(
  near: Namespace,
  far: Namespace,
  address: string,
  bytes: number,
): Promise<void> {
  await using server = await receiver(far, "tcp-in", TCP_PORT, `${bytes}`);
  const client = await sender(near, "tcp-out", address, TCP_PORT, `${bytes}`);
  await server.done();
  const hash = (text: string, word: string): string =>
    new RegExp(`^${word} ([0-9a-f]{64})$`, "m").exec(text)?.[1] ?? `nothing ${word}`;
  equal(hash(server.output, "received"), hash(client.stdout, "sent"));
  equal(hash(client.stdout, "received"), hash(server.output, "sent"));
}

/** Listens to what comes in from the underlay of a host. */
export function listen(at: Host): Promise<Background> {
  return receiver(at, "sniff", "under", PORT, PLAIN);
}

/** Sends from one container to another what {@link listen} looks for, until it has arrived. */
export async function speakPlainly(
  from: Namespace,
  to: Namespace,
  address: string,
): Promise<void> {
  await using heard = await receiver(to, "datagrams-in", "5009");
  await until(
    async () => {
      await sender(from, "datagrams-out", address, "5009", PLAIN, "5");
      return heard.output.includes(PLAIN);
    },
    SHUTTLE_MS,
    "a datagram between the containers",
  );
}

/** Checks what {@link listen} heard: datagrams of a type of shuttle, and the text or not. */
export async function heard(wire: Background, type: string, readable: boolean): Promise<void> {
  await wire.says(new RegExp(`^type ${type}$`, "m"));
  if (readable) await wire.says(/^text$/m);
  else ok(!/^text$/m.test(wire.output), "the text is on the wire");
}
