import { deepEqual, ok } from "node:assert/strict";
import { watchEngine } from "../../container/mod.ts";
import { ALIVE, ENDED, FakeEngine } from "../helpers/fake_engine.ts";
import { until } from "../helpers/until.ts";

const DEADLINE_MS = 15_000;

Deno.test("watchEngine() tells of events, compares with the list, and comes back", async () => {
  await using engine = new FakeEngine();
  const events: unknown[] = [];
  const lists: unknown[] = [];
  const states: boolean[] = [];
  const watch = watchEngine({
    dockerHost: `unix://${engine.path}`,
    onEvent: (event) => void events.push(event),
    beforeList: () => new Set([ENDED]),
    onList: (running, before) => void lists.push([[...running], [...before]]),
    onState: (connected) => void states.push(connected),
    onError: () => {},
  });
  try {
    await until(() => lists.length === 1, DEADLINE_MS, "the first list");
    deepEqual(lists[0], [[[ALIVE, true], [ENDED, false]], [ENDED]]);
    const event = (Action: string): string =>
      JSON.stringify({ Type: "container", Action, Actor: { ID: ALIVE }, timeNano: 5e9 });
    const text = `${event("start")}\n${event("exec_create: sh")}\nnoise\n${event("die")}\n`;
    engine.say(text.slice(0, 30));
    engine.say(text.slice(30));
    await until(() => events.length === 2, DEADLINE_MS, "two events");
    deepEqual(events, [
      { kind: "start", id: ALIVE, at: 5 },
      { kind: "die", id: ALIVE, at: 5 },
    ]);
    engine.hangUp();
    await until(() => lists.length === 2, DEADLINE_MS, "a list after the next connect");
    ok(engine.connections >= 2);
    deepEqual(states, [true, false, true]);
  } finally {
    watch.stop();
  }
});

Deno.test("watchEngine() goes on when who listens fails, and says so", async () => {
  await using engine = new FakeEngine();
  const errors: unknown[] = [];
  const failure = new Error("Cannot listen");
  let lists = 0;
  const watch = watchEngine({
    dockerHost: `unix://${engine.path}`,
    onEvent: () => {
      throw failure;
    },
    beforeList: () => new Set(),
    onList: () => void lists++,
    onState: () => {},
    onError: (error) => void errors.push(error),
  });
  try {
    await until(() => lists === 1, DEADLINE_MS, "the list");
    for (let i = 0; i < 2; i++) engine.say(`{"Action":"die","Actor":{"ID":"${ALIVE}"}}\n`);
    await until(() => errors.length === 2, DEADLINE_MS, "two events");
    deepEqual([errors, engine.connections], [[failure, failure], 1]);
  } finally {
    watch.stop();
  }
});
