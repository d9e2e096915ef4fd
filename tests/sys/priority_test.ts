/** The class that the kernel gives the thread of the data plane. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type Host, Lab, WEFT } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

/** `linux/sched.h` */
const SCHED_OTHER = 0;
const SCHED_FIFO = 1;

/** Fields of `/proc/PID/task/TID/stat`, counted from the one behind the name, which is the third. */
const FIELD = { NICE: 19 - 3, RT_PRIORITY: 40 - 3, POLICY: 41 - 3 } as const;

interface Thread {
  readonly nice: number;
  readonly realtime: number;
  readonly policy: number;
}

/** Returns the threads of the router that are not as every thread is. */
function raised(host: Host): Thread[] {
  const tasks = `/proc/${host.routerPid()}/task`;
  return [...Deno.readDirSync(tasks)].flatMap(({ name }) => {
    const stat = Deno.readTextFileSync(`${tasks}/${name}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
    const thread = {
      nice: fields[FIELD.NICE] ?? 0,
      realtime: fields[FIELD.RT_PRIORITY] ?? 0,
      policy: fields[FIELD.POLICY] ?? 0,
    };
    return thread.policy === SCHED_OTHER && thread.nice === ordinaryNice() ? [] : [thread];
  });
}

/** What this process was started with, and passes on. */
function ordinaryNice(): number {
  const stat = Deno.readTextFileSync("/proc/self/stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[FIELD.NICE]);
}

async function reported(host: Host): Promise<{ priority: unknown; warnings: string[] }> {
  const { priority, warnings } = JSON.parse(await host.api.get("/status", "json"));
  return { priority, warnings };
}

/** Longer than any change of what is waited for takes. */
const BACK_MS = 10_000;

/** Whether this machine has what the default needs. */
const several = navigator.hardwareConcurrency >= 2;

Deno.test({
  name: "a router gives one thread the least real-time priority while frames come close together",
  ignore: !several,
  async fn(): Promise<void> {
    using lab = new Lab();
    const [near, relay, far] = [lab.host(), lab.host(), lab.host()];
    const containers = [lab.container(), lab.container()] as const;
    const options = { password: "a password that is long enough", env: { WEFT_PRIORITY: "" } };
    const args = ["--no-discovery"];
    await relay.launch({ ...options, args });
    await near.launch({ ...options, args, peers: [relay.address] });
    await far.launch({ ...options, args, peers: [relay.address] });
    await near.attach(containers[0], "10.2.1.1/24");
    await far.attach(containers[1], "10.2.1.2/24");
    await until(async () => await containers[0].ping("10.2.1.2") === 1, BACK_MS, "a ping");

    const become = (policy: number): Promise<unknown> =>
      until(
        () => [near, relay].every((host) => raised(host)[0]?.policy === policy),
        BACK_MS,
        `class ${policy} of the router that sends and the one that passes on`,
      );
    await become(SCHED_OTHER);
    const { priority } = await reported(near);
    deepEqual(priority, { wanted: "realtime", got: "realtime" });

    const pings = containers[0].ping("10.2.1.2", 500, "-i", "0.004");
    await become(SCHED_FIFO);
    const classes = raised(near).map(({ policy, realtime }) => ({ policy, realtime }));
    deepEqual(classes, [{ policy: SCHED_FIFO, realtime: 1 }]);
    await pings;
    await become(SCHED_OTHER);
    deepEqual(raised(near), [{ nice: -15, realtime: 0, policy: SCHED_OTHER }]);
  },
});

Deno.test({
  name:
    "a router does not let bulk alone go before all others, and does what is waited for beside it",
  ignore: !several,
  async fn(): Promise<void> {
    using lab = new Lab();
    const hosts = [lab.host(), lab.host()] as const;
    const [near, far] = [lab.container(), lab.container()] as const;
    const options = { env: { WEFT_PRIORITY: "" }, args: ["--no-discovery"] };
    await hosts[0].launch(options);
    await hosts[1].launch({ ...options, peers: [hosts[0].address] });
    await hosts[0].attach(near, "10.2.1.1/24");
    await hosts[1].attach(far, "10.2.1.2/24");
    await until(async () => await near.ping("10.2.1.2") === 1, BACK_MS, "a ping");
    await using server = far.start(["iperf3", "-s", "-1", "--forceflush"]);
    await server.says(/listening/i);
    await using flow = near.start(["iperf3", "-c", "10.2.1.2", "-t", "40", "--forceflush"]);
    // The third second: what the programs told each other before has been long ago.
    await flow.says(/ 2\.\d\d-3\.\d\d /);
    const classes = (): (number | undefined)[] => hosts.map((host) => raised(host)[0]?.policy);
    await until(() => classes().every((each) => each === SCHED_OTHER), BACK_MS, "ordinary threads");
    const pings = near.ping("10.2.1.2", 100, "-i", "0.02");
    await until(() => classes().every((each) => each === SCHED_FIFO), BACK_MS, "real-time ones");
    equal(await pings, 100);
    await until(() => classes().every((each) => each === SCHED_OTHER), BACK_MS, "ordinary again");
  },
});

Deno.test("a router gives one thread a nice value when that is wanted", async () => {
  using lab = new Lab();
  const host = lab.host();
  await host.launch({ args: ["--priority", "nice"] });
  deepEqual(raised(host), [{ nice: -15, realtime: 0, policy: SCHED_OTHER }]);
});

Deno.test("a router leaves the classes of its threads alone when normal is wanted", async () => {
  using lab = new Lab();
  const host = lab.host();
  await host.launch({ args: ["--priority", "normal"] });
  deepEqual(raised(host), []);
});

Deno.test("a router runs without CAP_SYS_NICE, and says what that costs", async () => {
  using lab = new Lab();
  const host = lab.host();
  const without = ["setpriv", "--inh-caps", "-sys_nice", "--bounding-set", "-sys_nice"];
  const env = { ...host.env, WEFT_PRIORITY: "realtime" };
  const { code } = await host.run([...without, WEFT, "launch"], { env });
  equal(code, 0);
  deepEqual(raised(host), []);
  const { priority, warnings } = await reported(host);
  deepEqual(priority, { wanted: "realtime", got: "normal", reason: "it is not permitted" });
  ok(warnings.some((line) => line.includes("grant CAP_SYS_NICE")), warnings.join("\n"));
  const { stdout } = await host.weft("status");
  match(stdout, /^ {8}Warning: the data plane runs with normal priority, not realtime/m);
  match(host.log(), /the data plane runs with normal priority/);
});
