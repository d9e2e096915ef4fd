import { deepEqual, equal, match } from "node:assert/strict";
import { NoRouterError, NotFoundError } from "../client.ts";
import { CommandError } from "../command.ts";
import { fakeIo } from "../fake_io_test.ts";
import { main } from "../main.ts";

/** Answers in turn; an error is thrown. */
function answers(...list: (string | Error)[]): () => string {
  return () => {
    const next = list.shift() ?? "";
    if (typeof next === "string") return next;
    throw next;
  };
}

const AWAY = new NoRouterError("/run/weft/weft.sock");

Deno.test("main() shows a page every second, one below the other, until the user ends it", async () => {
  const { io, out, calls } = fakeIo(answers("-> a\n", "-> b\n"), {}, { pauses: 1 });
  equal(await main(["status", "connections", "--watch"], io), 0);
  equal(
    out(),
    "# weft status connections, 2026-11-27T00:00:00Z\n-> a\n" +
      "# weft status connections, 2026-11-27T00:00:01Z\n-> b\n",
  );
  deepEqual(calls, [["/status/connections"], ["/status/connections"]]);
});

Deno.test("main() takes the word behind --watch for the page, and the seconds with =", async () => {
  const first = fakeIo(answers("", ""), {}, { pauses: 1 });
  equal(await main(["status", "--watch", "peers"], first.io), 0);
  deepEqual(first.calls[0], ["/status/peers"]);
  const second = fakeIo(answers("", ""), {}, { pauses: 1 });
  equal(await main(["status", "--watch=2.5"], second.io), 0);
  match(second.out(), /00:00:00Z[^]*00:00:02Z/);
});

Deno.test("main() clears the screen of a terminal before each page", async () => {
  const { io, out } = fakeIo(answers("a\n", "b\n"), {}, { pauses: 1, terminal: true });
  await main(["status", "--watch"], io);
  equal(out().split("\x1b[H\x1b[J").length, 3);
  match(out(), /\^C ends it\n\na\n/);
});

Deno.test("main() goes on watching while the router restarts", async () => {
  const list = [
    AWAY,
    "a\n",
    AWAY,
    new CommandError("Cannot answer: the router is starting"),
    "b\n",
  ];
  const { io, out } = fakeIo(answers(...list), {}, { pauses: 4 });
  equal(await main(["status", "targets", "--watch"], io), 0);
  deepEqual(out().split("\n").filter((line) => line !== "" && !line.startsWith("#")), [
    "the router is not running",
    "a",
    "the router is not running",
    "Cannot answer: the router is starting",
    "b",
  ]);
});

Deno.test("main() writes one JSON value a line when it watches for a program", async () => {
  const { io, out } = fakeIo(answers("[\n1\n]", AWAY), {}, { pauses: 1, terminal: true });
  await main(["status", "targets", "--watch", "--json"], io);
  equal(out(), '[1]\n{"error":"the router is not running"}\n');
});

Deno.test("main() does not watch a page that is not there, or at an interval that cannot be", async () => {
  const unknown = fakeIo(answers(new NotFoundError("/status/lunch")), {}, { pauses: 9 });
  equal(await main(["status", "lunch", "--watch"], unknown.io), 1);
  match(unknown.err(), /^Unknown status "lunch"/);
  for (const seconds of ["0", "-1", "x", "1e3", "100000"]) {
    const { io, err, calls } = fakeIo();
    equal(await main(["status", `--watch=${seconds}`], io), 1);
    match(err(), /^Cannot use --watch "[^"]+": expected seconds, 0\.1 to 86400\n$/);
    deepEqual(calls, []);
  }
});

Deno.test("main() ends when nobody reads what it shows", async () => {
  const { io, calls } = fakeIo(answers("a\n"), {}, { pauses: 9 });
  const out = () => {
    throw new Deno.errors.BrokenPipe("Broken pipe");
  };
  equal(await main(["status", "--watch"], { ...io, out }), 0);
  equal(calls.length, 1);
});
