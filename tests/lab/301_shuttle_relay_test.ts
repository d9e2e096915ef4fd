/** Lines of three and four hosts by shuttle: those between pass on what they cannot read. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { allTalk, cluster, Ears, type Edge } from "../helpers/cluster.ts";
import { addressOf, Lab, type LaunchOptions } from "../helpers/lab.ts";
import { byShuttle, heard, listen, speakPlainly, tcpIntact } from "../helpers/shuttle_lab.ts";
import { until } from "../helpers/until.ts";

const PASSWORD = "rosebud";
const TRANSFER_BYTES = 5_000_000;
const STREAM = 50;
const BACK_MS = 30_000;

const LINES: readonly [string, readonly Edge[], LaunchOptions][] = [
  ["three hosts, encrypted", [[0, 1], [1, 2]], { password: PASSWORD }],
  ["three hosts, in clear", [[0, 1], [1, 2]], {}],
  ["four hosts, encrypted", [[0, 1], [1, 2], [2, 3]], { password: PASSWORD }],
];
for (const [name, edges, options] of LINES) {
  const sealed = options.password !== undefined;
  Deno.test(`a line of ${name}, by shuttle`, async (t) => {
    using lab = new Lab();
    const { hosts, containers } = await cluster(lab, edges.length + 1, edges, options);
    const last = edges.length;
    const [near, far] = [must(containers[0], "container"), must(containers[last], "container")];
    const middle = must(hosts[1], "host");
    await byShuttle(hosts);
    await allTalk(containers);

    for (const [way, from, to] of [["there", 0, last], ["back", last, 0]] as const) {
      await t.step(`on every leg ${way} are datagrams that nobody can read`, async () => {
        const [speaker, hearer] = from === 0 ? [near, far] : [far, near];
        const legs = await Promise.all(hosts.filter((_, i) => i !== from).map(listen));
        await using wires = new AsyncDisposableStack();
        for (const leg of legs) wires.use(leg);
        await speakPlainly(speaker, hearer, addressOf(to));
        for (const leg of legs) await heard(leg, sealed ? "11" : "21", !sealed);
      });
    }

    await t.step("the ends ping each other, with packets of any size", async () => {
      equal(await near.ping(addressOf(last), 5), 5);
      equal(await far.ping(addressOf(0), 5), 5);
      equal(await near.ping(addressOf(last), 3, "-s", "60000"), 3);
      equal(await far.ping(addressOf(0), 3, "-s", "60000"), 3);
    });

    await t.step("5 MB of TCP arrive intact each way", async () => {
      await tcpIntact(near, far, addressOf(last), TRANSFER_BYTES);
    });

    await t.step("group and broadcast streams arrive exactly once everywhere", async () => {
      await using ears = await Ears.open(containers);
      for (const from of [0, 1, last]) deepEqual(await ears.wrongCopies(from, STREAM), []);
    });

    await t.step("one datagram of a hundred is lost on the way: TCP arrives intact", async () => {
      middle.loss(1);
      await tcpIntact(near, far, addressOf(last), TRANSFER_BYTES);
      middle.loss(0);
    });

    await t.step("it was shuttle all the time", async () => {
      await byShuttle(hosts, 1_000);
      for (const host of hosts) ok(!/by sleeve/.test(host.log()), host.log());
    });

    for (const [what, i] of [["an end", 0], ["a host between", 1]] as const) {
      await t.step(`${what} restarts, and all is by shuttle again`, async () => {
        const host = must(hosts[i], "host");
        const peers = edges.filter((edge) => edge.includes(i))
          .map(([from, to]) => must(hosts[from === i ? to : from], "neighbour").address);
        await host.weft("stop");
        await host.launch({ ...options, args: ["--no-discovery"], peers });
        await until(
          async () => await near.ping(addressOf(last)) === 1,
          BACK_MS,
          "a ping from end to end",
        );
        await byShuttle(hosts);
        equal(await far.ping(addressOf(0), 5), 5);
      });
    }
  });
}
