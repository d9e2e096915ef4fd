import { deepEqual, equal, match } from "node:assert/strict";
import { createLogger, must } from "../../base/mod.ts";
import { createNetns, ERRNO, SysError, withNetns } from "../../ffi/mod.ts";
import { linkAdd, linkDelete, linkGet, Netlink } from "../../ffi/netlink/mod.ts";
import { Idents } from "../../router/idents_shell.ts";
import { Lives, type LivesParts } from "../../router/lives_shell.ts";
import { ALIVE, ENDED, FakeEngine } from "../helpers/fake_engine.ts";
import { until } from "../helpers/until.ts";

const DEADLINE_MS = 15_000;
const [ELSEWHERE, GONE] = ["c".repeat(64), "d".repeat(64)];

const NO_IDENTS = new Idents({
  ident: () => undefined,
  setIdent: () => {},
  idents: () => [],
  dropIdent: () => {},
});

/** What a watch on no bridge works with, and what it says. */
function parts(more: Partial<LivesParts>): { parts: LivesParts; said: string[]; lines: string[] } {
  const said: string[] = [];
  const lines: string[] = [];
  const options = { level: "info", write: (line: string) => void lines.push(line) } as const;
  const all: LivesParts = {
    log: createLogger("containers", { ...options, now: () => new Date(0) }),
    bridge: "no-such-bridge",
    dockerHost: "unix:///nowhere",
    idents: NO_IDENTS,
    holders: () => [],
    isBusy: () => false,
    mourner: {
      died: (ident) => void said.push(`died ${ident}`),
      started: (ident) => void said.push(`started ${ident}`),
      destroyed: (ident) => void said.push(`destroyed ${ident}`),
    },
    ...more,
  };
  return { parts: all, said, lines };
}

Deno.test("Lives takes no container for removed that hangs on the bridge, whatever engine it is of", async () => {
  await using engine = new FakeEngine();
  const { parts: all, said } = parts({
    dockerHost: `unix://${engine.path}`,
    holders: () => [ALIVE, ELSEWHERE, GONE],
  });
  using lives = new Lives(all);
  lives.attached(ELSEWHERE, 7);
  await until(() => said.includes(`destroyed ${GONE}`), DEADLINE_MS, "the list of the engine");
  deepEqual(said, [`started ${ELSEWHERE}`, `started ${ALIVE}`, `destroyed ${GONE}`]);
});

Deno.test("Lives takes nobody for dead who was attached while the list was made", async () => {
  await using engine = new FakeEngine();
  const { parts: all, said } = parts({
    dockerHost: `unix://${engine.path}`,
    holders: () => [ENDED, GONE],
  });
  engine.onList = () => Promise.resolve(lives.attached(ENDED, 7));
  using lives = new Lives(all);
  await until(() => said.includes(`destroyed ${GONE}`), DEADLINE_MS, "the list of the engine");
  deepEqual(said, [`started ${ENDED}`, `destroyed ${GONE}`]);
});

Deno.test("Lives notices the end of a container whose engine it does not hear by its interface", () => {
  using netns = createNetns();
  const { parts: all, said } = parts({ holders: () => [ELSEWHERE] });
  using nl = withNetns(netns, () => Netlink.open());
  using lives = withNetns(netns, () => new Lives(all));
  linkAdd(nl, { kind: "veth", name: "port", mtuBytes: 1376, peer: { name: "guest" } });
  lives.attached(ELSEWHERE, must(linkGet(nl, "port"), "port").index);
  linkDelete(nl, "port");
  deepEqual([lives.look(), said], [true, [`started ${ELSEWHERE}`, `died ${ELSEWHERE}`]]);
  equal(lives.look(), false, "nothing has changed since");
});

Deno.test("Lives takes nobody for dead whose request is on its way", () => {
  const dropped: string[] = [];
  const { parts: all, said } = parts({
    holders: () => [ELSEWHERE],
    isBusy: (ident) => ident === ELSEWHERE || ident === GONE,
    idents: new Idents({
      ident: () => undefined,
      setIdent: () => {},
      idents: () => [ELSEWHERE, GONE],
      dropIdent: (ident) => void dropped.push(ident),
    }),
  });
  using _lives = new Lives(all);
  deepEqual([said, dropped], [[], []]);
});

Deno.test("Lives goes on when the kernel refuses a look, and says so once", () => {
  const looks: (() => void)[] = [];
  const { setInterval } = globalThis;
  globalThis.setInterval =
    ((look: () => void) => looks.push(look)) as unknown as typeof setInterval;
  let refuses = false;
  const { parts: all, lines } = parts({
    holders: () => {
      if (refuses) throw new SysError("socket AF_NETLINK", ERRNO.EMFILE);
      return [];
    },
  });
  try {
    using _lives = new Lives(all);
    refuses = true;
    for (let i = 0; i < 3; i++) for (const look of looks) look();
  } finally {
    globalThis.setInterval = setInterval;
  }
  const said = lines.filter((line) => line.includes("EMFILE"));
  equal(said.length, 1);
  match(said[0] ?? "", / warn containers /);
});
