/** Two hosts with one name, as after a disk was copied: each host says so and names both. */

import { equal, match } from "node:assert/strict";
import { type Host, Lab } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

const NAME = "02:00:00:00:77:77";
/** Three times what is promised: a minute for the one between them, where nothing but their dials tells them apart. */
const NAMED_MS = 180_000;

interface Status {
  readonly collisions: readonly {
    readonly name: string;
    readonly holders: readonly { readonly nickname: string; readonly address?: string }[];
  }[];
}

async function holders(host: Host): Promise<string | undefined> {
  const { collisions }: Status = JSON.parse((await host.weft("status", "--json")).stdout);
  const [found] = collisions.filter(({ name }) => name === NAME);
  return found?.holders.map(({ nickname, address }) => `${nickname} ${address ?? "?"}`).sort()
    .join(", ");
}

Deno.test("two hosts with one name", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const [first, copy, other] = hosts;
  const password = "8k3tq0z-m5v9wxa-r7c2hjd-6npye1g";
  const named = (nickname: string) => ["--name", NAME, "--nickname", nickname];

  await other.launch({ password, args: ["--nickname", "other"] });
  await first.launch({ password, args: named("first"), peers: [other.address] });
  await first.established();
  const peers = [first.address, other.address];
  await copy.launch({ password, args: named("copy"), peers });

  const seen = new Map<Host, string>();
  for (const host of [first, copy, other]) {
    await t.step(`${host.name.slice(-2)} names both`, async () => {
      seen.set(host, await until(() => holders(host), NAMED_MS, "the collision in status"));
      const { stdout } = await host.weft("status");
      match(stdout, /^ {8}Warning: 2 routers have the name 02:00:00:00:77:77: .*--name/m);
      match(stdout, /"first" \(/);
      match(stdout, /"copy" \(/);
      match(host.log(), /warn mesh "?name collision/);
    });
  }

  await t.step("with the addresses that each can know", () => {
    equal(seen.get(first), `copy ${copy.address}, first ?`);
    equal(seen.get(copy), `copy ?, first ${first.address}`);
    equal(seen.get(other), `copy ${copy.address}, first ${first.address}`);
  });

  await t.step("the refused link names both as well", async () => {
    const lines = (await copy.connections()).join("\n");
    match(
      lines,
      /-> 192\.0\.2\.1:6783 +failed +local ".*copy\)" and remote ".*first\)".*collision/,
    );
  });

  await t.step("another name ends it", async () => {
    await copy.weft("stop");
    await copy.launch({ password, args: ["--name", "02:00:00:00:77:78"], peers });
    await copy.established(2);
    await first.established(2);
  });
});
