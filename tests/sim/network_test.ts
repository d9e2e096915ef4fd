import { deepEqual, equal, ok } from "node:assert/strict";
import { Dice } from "./dice.ts";
import { EventQueue } from "./event_queue.ts";
import { type End, Network, type Process, type SocketNews } from "./network.ts";

/** Writes down what it hears. */
class Listener implements Process {
  dead = false;
  paused = false;
  readonly ends: End[] = [];
  readonly heard: string[] = [];
  bytes: number[] = [];

  constructor(readonly host: number) {}

  hear(end: End, news: SocketNews): void {
    if (news.kind === "accepted") this.ends.push(end);
    if (news.kind === "received") this.bytes.push(...news.bytes);
    else if (news.kind !== "sent") {
      this.heard.push(news.kind === "ended" ? news.reason ?? "fin" : news.kind);
    }
  }

  get end(): End {
    return this.ends[0] as End;
  }
}

/** Hosts 1 and 2, 10 ms there and 30 ms back. */
class Pair {
  now = 0;
  readonly queue = new EventQueue();
  readonly network: Network;
  readonly one = new Listener(1);
  readonly two = new Listener(2);
  readonly mine: End;

  constructor(loss = 0, pieces = 0) {
    const { queue } = this;
    const latency = (from: number): number => from === 1 ? 10 : 30;
    const dice = new Dice(7);
    this.network = new Network({ queue, now: () => this.now, latency, loss, pieces, dice });
    this.network.listen(2, this.two);
    this.mine = this.network.dial(this.one, 1, 2);
  }

  pass(ms: number): this {
    const end = this.now + ms;
    while (this.queue.next <= end) {
      this.now = Math.max(this.now, this.queue.next);
      this.queue.take()?.();
    }
    this.now = end;
    return this;
  }

  send(...bytes: number[]): this {
    this.network.send(this.mine, Uint8Array.from(bytes));
    return this;
  }

  cut(path: "silent" | "open"): this {
    this.network.setPath(1, 2, path);
    this.network.setPath(2, 1, path);
    return this;
  }
}

Deno.test("Network.dial() is heard after a round trip, and by the other side after half another", () => {
  const pair = new Pair().pass(40);
  deepEqual([pair.one.heard, pair.two.heard], [["dialled"], []]);
  pair.pass(10);
  deepEqual(pair.two.heard, ["accepted"]);
});

Deno.test("Network.dial() repeats itself on a silent path and fails where nobody listens or no way leads", () => {
  const silent = new Pair().cut("silent").pass(2_000);
  deepEqual(silent.one.heard, []);
  deepEqual(silent.cut("open").pass(1_100).one.heard, ["dialled"]);
  const refused = new Pair();
  refused.network.listen(2, undefined);
  deepEqual(refused.pass(40).one.heard, ["connection refused"]);
  const barred = new Pair();
  barred.network.setPath(1, 2, "unreachable");
  deepEqual(barred.pass(40).one.heard, ["no route to host"]);
});

Deno.test("Network.send() keeps the order of all bytes, whatever is lost and cut", () => {
  const pair = new Pair(0.3, 0.7).pass(10_000);
  const bytes = Array.from({ length: 200 }, (_, i) => i);
  for (let at = 0; at < 200; at += 5) pair.send(...bytes.slice(at, at + 5)).pass(3);
  ok(pair.two.bytes.length < 200);
  deepEqual(pair.pass(60_000).two.bytes, bytes);
});

Deno.test("Network.setPath() holds up what is under way until the path is open again", () => {
  const pair = new Pair().pass(100).cut("silent").send(1, 2).pass(30_000);
  deepEqual(pair.two.bytes, []);
  deepEqual(pair.cut("open").pass(3_000).two.bytes, [1, 2]);
});

Deno.test("Network.close() on a silent path is heard when the other end speaks again", () => {
  const pair = new Pair().pass(100).cut("silent");
  pair.network.close(pair.mine);
  pair.pass(5_000).cut("open").pass(5_000);
  deepEqual(pair.two.heard, ["accepted"]);
  pair.network.send(pair.two.end, Uint8Array.of(9));
  deepEqual(pair.pass(40).two.heard, ["accepted", "connection reset by peer"]);
  equal(pair.network.endsOf(pair.two).length, 0);
});

Deno.test("Network.close() resets the other end after the data", () => {
  const pair = new Pair().pass(100).send(5);
  pair.network.close(pair.mine);
  deepEqual(pair.pass(10).two.bytes, [5]);
  deepEqual(pair.two.heard, ["accepted", "connection reset by peer"]);
});

Deno.test("Network.abandon() without resets tells nobody", () => {
  const pair = new Pair().pass(100);
  pair.network.setPower(2, false);
  pair.network.abandon(pair.two, false);
  pair.send(1).pass(60_000);
  deepEqual(pair.one.heard, ["dialled"]);
  pair.network.setPower(2, true);
  deepEqual(pair.pass(3_000).one.heard, ["dialled", "connection reset by peer"]);
});
