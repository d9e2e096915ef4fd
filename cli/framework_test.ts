import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { type Command, command } from "./command.ts";
import { COMMANDS } from "./commands/mod.ts";
import { dispatch, WordsError } from "./framework.ts";
import { fakeIo } from "./fake_io_test.ts";

function recorder(): { heard: unknown[][]; commands: Command[] } {
  const heard: unknown[][] = [];
  const note = (name: string) => (...args: unknown[]): Promise<number> => {
    heard.push([name, args[0], args[1]]);
    return Promise.resolve(4);
  };
  const attach = command({
    name: "attach",
    aliases: ["join"],
    summary: "attaches",
    args: "[ADDR...] CONTAINER",
    count: [1, 3],
    options: {
      "no-route": { summary: "no route" },
      "add-host": { value: "NAME:IP", summary: "a host" },
      follow: { short: "f", summary: "go on" },
      h: { value: "FQDN", summary: "a name" },
    },
    run: note("attach"),
  });
  const launch = command({
    name: "launch",
    summary: "launches",
    args: "[PEER...]",
    count: [0, 9],
    options: {},
    passThrough: true,
    details: "More.",
    run: note("launch"),
  });
  const start = command({ ...launch, name: "run", foreign: true, run: note("run") });
  return { heard, commands: [attach, launch, start] };
}

Deno.test("dispatch() takes options before, between and behind operands", async () => {
  const { heard, commands } = recorder();
  const { io } = fakeIo();
  equal(
    await dispatch(commands, ["attach", "--no-route", "a", "-f", "b", "--add-host=x:1"], io),
    4,
  );
  deepEqual(heard, [["attach", ["a", "b"], {
    "no-route": true,
    "add-host": "x:1",
    follow: true,
  }]]);
});

Deno.test("dispatch() leaves out options that were not given", async () => {
  const { heard, commands } = recorder();
  await dispatch(commands, ["attach", "c"], fakeIo().io);
  deepEqual(heard, [["attach", ["c"], {}]]);
});

Deno.test("dispatch() takes an option of one letter with a value", async () => {
  const { heard, commands } = recorder();
  await dispatch(commands, ["attach", "-h", "a.b", "c"], fakeIo().io);
  deepEqual(heard, [["attach", ["c"], { h: "a.b" }]]);
});

Deno.test("dispatch() knows a command by its alias and skips --local", async () => {
  const { heard, commands } = recorder();
  await dispatch(commands, ["--local", "join", "c"], fakeIo().io);
  deepEqual(heard, [["attach", ["c"], {}]]);
});

Deno.test("dispatch() passes all words on to a command with a grammar of its own", async () => {
  const { heard, commands } = recorder();
  await dispatch(commands, ["launch", "-password", "x", "--no-such", "p"], fakeIo().io);
  deepEqual(heard, [["launch", ["-password", "x", "--no-such", "p"], {}]]);
});

Deno.test("dispatch() leaves --help to the program whose words it is among", async () => {
  const { heard, commands } = recorder();
  await dispatch(commands, ["run", "-i", "ubuntu", "ls", "--help"], fakeIo().io);
  deepEqual(heard, [["run", ["-i", "ubuntu", "ls", "--help"], {}]]);
});

const WRONG: readonly [string[], RegExp, RegExp][] = [
  [["lunch"], /^Unknown command "lunch"$/, /^Usage: weft COMMAND/],
  [["attach"], /^Cannot attach: something is missing$/, /^Usage: weft attach \[options\]/],
  [["attach", "1", "2", "3", "4"], /too many words/, /^Usage: weft attach/],
  [["attach", "--no-such", "c"], /^Unknown option '--no-such'$/, /^Usage: weft attach/],
  [["attach", "c", "--add-host"], /--add-host.*argument missing/, /^Usage: weft attach/],
  [["help", "lunch"], /"lunch"/, /^Usage/],
];
for (const [words, line, usage] of WRONG) {
  Deno.test(`dispatch() refuses ${words.join(" ")} in one line, with the usage`, async () => {
    await rejects(
      dispatch(recorder().commands, words, fakeIo().io),
      (e) =>
        e instanceof WordsError && line.test(e.message) && !e.message.includes("\n") &&
        usage.test(e.usage),
    );
  });
}

for (const words of [[], ["help"], ["--help"], ["-h"]]) {
  Deno.test(`dispatch() lists the commands on standard output for "${words.join(" ")}"`, async () => {
    const { io, out, err } = fakeIo();
    equal(await dispatch(recorder().commands, words, io), 0);
    match(out(), /attach \[ADDR\.\.\.\] CONTAINER +attaches/);
    equal(err(), "");
  });
}

for (const words of [["help", "attach"], ["attach", "--help"], ["attach", "x", "--help"]]) {
  Deno.test(`dispatch() shows a command for "${words.join(" ")}"`, async () => {
    const { io, out } = fakeIo();
    equal(await dispatch(recorder().commands, words, io), 0);
    match(out(), /^Usage: weft attach \[options\] \[ADDR\.\.\.\] CONTAINER\n/);
    match(out(), /-f, --follow +go on/);
    match(out(), /--add-host NAME:IP +a host/);
  });
}

Deno.test("dispatch() shows a command that runs another program for --help in front", async () => {
  const { io, out } = fakeIo();
  equal(await dispatch(recorder().commands, ["run", "-i", "--help"], io), 0);
  match(out(), /^Usage: weft run/);
});

Deno.test("every command has a help of its own and no name twice", async () => {
  const names = COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases ?? []]);
  equal(new Set(names).size, names.length);
  for (const { name } of COMMANDS) {
    const { io, out } = fakeIo();
    await dispatch(COMMANDS, ["help", name], io);
    match(out(), new RegExp(`^Usage: weft ${name}`));
  }
});
