import assert from "node:assert/strict";
import { findContainer, RefusedError } from "../../container/mod.ts";

const ID = "4f5e6d7c".repeat(8);
const RUNNING = { Id: ID, Name: "/web", State: { Running: true, Pid: 42 }, HostConfig: {} };

/** Answers as an engine would; the test sees what was asked. */
async function withEngine(
  answer: { status?: number; body: unknown },
  act: (dockerHost: string, asked: string[]) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/docker.sock`;
  const asked: string[] = [];
  const server = Deno.serve({ path, onListen: () => {} }, (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    return new Response(text, { status: answer.status ?? 200 });
  });
  try {
    await act(`unix://${path}`, asked);
  } finally {
    await server.shutdown();
    await Deno.remove(dir, { recursive: true });
  }
}

function refused(code: string, words: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof RefusedError && error.code === code && words.test(error.message) ||
    assert.fail(String(error));
}

Deno.test("findContainer() finds a running container by name over the socket", async () => {
  await withEngine({ body: RUNNING }, async (dockerHost, asked) => {
    const ref = await findContainer("web", { dockerHost });
    assert.deepEqual(ref, { kind: "docker", id: ID, name: "web", pid: 42 });
    assert.deepEqual(asked, ["GET /containers/web/json"]);
  });
});

Deno.test("findContainer() believes no engine that calls another file the hosts file of a container", async () => {
  for (
    const [HostsPath, expected] of [["/var/x/hosts", "/var/x/hosts"], ["/etc/shadow", undefined]]
  ) {
    await withEngine({ body: { ...RUNNING, HostsPath } }, async (dockerHost) => {
      const ref = await findContainer("web", { dockerHost });
      assert.equal(ref.kind === "docker" ? ref.hostsPath : "", expected);
    });
  }
});

Deno.test("findContainer() asks no engine for pid:N and netns:PATH", async () => {
  const dockerHost = "unix:///none";
  assert.deepEqual(await findContainer("pid:7", { dockerHost }), { kind: "pid", pid: 7 });
  assert.deepEqual(await findContainer("netns:/x", { dockerHost }), { kind: "netns", path: "/x" });
});

Deno.test("findContainer() refuses with the words that users know", async () => {
  const cases: [unknown, number, string, RegExp][] = [
    [{ message: "No such container: web" }, 404, "no-such-container", /^No such container: web$/],
    [
      { message: 'no container with name or ID "web" found: no such container' },
      404,
      "no-such-container",
      /no such container/,
    ],
    ["oops", 404, "no-such-container", /^No such container: web$/],
    [{ message: "busy" }, 500, "no-engine", /the container engine says "busy"/],
    ["", 502, "no-engine", /status 502/],
    [{}, 200, "no-engine", /no container/],
    ["[]", 200, "no-engine", /no container/],
    [{ ...RUNNING, State: { Running: false, Pid: 0 } }, 200, "not-running", /"web": not running/],
    [
      { ...RUNNING, HostConfig: { NetworkMode: "host" } },
      200,
      "host-network",
      /host network namespace/,
    ],
  ];
  for (const [body, status, code, words] of cases) {
    await withEngine({ body, status }, async (dockerHost) => {
      await assert.rejects(findContainer("web", { dockerHost }), refused(code, words));
    });
  }
});

Deno.test("findContainer() says what works without an engine when none answers", async () => {
  const nobody = { dockerHost: "unix:///nowhere/docker.sock" };
  const words =
    /no container engine answers at \/nowhere\/docker.sock; pid:N and netns:PATH work without one/;
  await assert.rejects(findContainer("web", nobody), refused("no-engine", words));
  const remote = { dockerHost: "tcp://192.0.2.1:2375" };
  await assert.rejects(
    findContainer("web", remote),
    refused("no-engine", /only an engine of this host/),
  );
});

Deno.test("findContainer() never asks for what is no name", async () => {
  await withEngine({ body: RUNNING }, async (dockerHost, asked) => {
    for (const text of ["", "../images", "a/b", "a?b", "a%2fb", "-x"]) {
      await assert.rejects(
        findContainer(text, { dockerHost }),
        refused("no-such-container", /No such container/),
      );
    }
    assert.deepEqual(asked, []);
  });
});

Deno.test("findContainer() ends when it is told to", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(findContainer("web", { dockerHost: "unix:///nowhere", signal }), /enough/);
});
