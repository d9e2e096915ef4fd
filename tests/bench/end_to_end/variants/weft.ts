/**
 * weft itself, over each of its overlays, with and without a password, direct and relayed.
 *
 * @module
 */

import { VERSION } from "../../../../router/version.ts";
import { runSync } from "../../../helpers/namespace.ts";
import { WEFT } from "../../../helpers/lab.ts";
import { until } from "../../../helpers/until.ts";
import { withoutNames } from "../parsers.ts";
import { ADDRESSES, type Ends, MTU, type Site } from "../site.ts";
import { Unavailable, type Variant } from "./variant.ts";

/** An overlay: its name for `--overlay`, and what it seals with. */
interface Overlay {
  readonly name: string;
  readonly short: string;
  readonly cipher: string;
}

const OVERLAYS: readonly Overlay[] = [
  { name: "sleeve", short: "sleeve", cipher: "XSalsa20-Poly1305" },
  { name: "weft-shuttle", short: "shuttle", cipher: "AES-256-OCB" },
];

/** From the first ping to the overlay that was asked for: three times what is promised. */
const SETTLED_MS = 30_000;

/** What a launch says of an overlay that it does not have. */
const UNKNOWN_OVERLAY = /Cannot use --overlay[^\n(]*/;

/** All of them. */
export const weft: readonly Variant[] = OVERLAYS.flatMap((overlay) => [
  variant(overlay, true, 0),
  variant(overlay, false, 0),
  variant(overlay, true, 1),
  variant(overlay, true, 2),
]);

function variant(overlay: Overlay, encrypted: boolean, hops: number): Variant {
  const plain = encrypted ? "" : "-plain";
  const between = hops === 0 ? "" : `, ${hops} host(s) between`;
  return {
    name: `weft-${overlay.short}${plain}${hops === 0 ? "" : `-relay${hops}`}`,
    title: `weft, ${overlay.short}${encrypted ? "" : ", no password"}${between}`,
    cipher: encrypted ? overlay.cipher : "none",
    layer: 2,
    hops,
    needs: [],
    version: () => `${VERSION}${commit()}`,
    open: (site) => {
      const ends = site.bareContainers();
      const password = encrypted ? "a password for a minute" : undefined;
      const configuration = [
        `weft launch --overlay ${overlay.name} --mtu ${MTU} --no-discovery, ${
          encrypted ? "with" : "without"
        } a password, from ${WEFT.split("/").slice(-2).join("/")}`,
      ];
      return {
        ends,
        configuration,
        start: () => start(site, ends, overlay, password),
        settle: () => settle(site, overlay),
      };
    },
  };
}

async function start(
  site: Site,
  ends: Ends,
  overlay: Overlay,
  password: string | undefined,
): Promise<readonly string[]> {
  const args = ["--overlay", overlay.name, "--mtu", `${MTU}`, "--no-discovery", "--status-addr="];
  try {
    await Promise.all(site.hosts.map((host, i) => {
      const neighbour = site.hosts[i - 1];
      const peers = neighbour === undefined ? [] : [neighbour.address];
      return host.launch({ args, peers, ...(password === undefined ? {} : { password }) });
    }));
  } catch (error) {
    const words = UNKNOWN_OVERLAY.exec((error as Error).message)?.[0];
    if (words !== undefined) throw new Unavailable(`not built yet: ${words.trim()}`);
    throw error;
  }
  await Promise.all(site.outer.map((host, i) => {
    const end = ends[i as 0 | 1];
    return host.attach(end.at, `${ADDRESSES[i as 0 | 1]}/24`);
  }));
  await site.outer[1].established();
  return [];
}

/** Frames go by sleeve until the other overlay has shown that it works. */
async function settle(site: Site, overlay: Overlay): Promise<readonly string[]> {
  const everywhere = async (): Promise<boolean> => {
    const pairs = await Promise.all(site.hosts.map((host) => host.pairs()));
    const wrong = pairs.flat().find((each) => each.overlay !== overlay.short);
    if (wrong !== undefined) throw new Error(`by ${wrong.overlay}: ${wrong.reason}`);
    return pairs.every(({ length }) => length === site.hosts.length - 1);
  };
  await until(everywhere, SETTLED_MS, `frames by ${overlay.short} between all hosts`);
  const rows = await site.outer[1].connections();
  return rows.map((row) => `its last link says: ${withoutNames(row)}`);
}

function commit(): string {
  const { code, stdout } = runSync([
    "git",
    "-C",
    WEFT.replace(/\/scripts\/weft$/, ""),
    "describe",
    "--always",
    "--dirty",
  ], {
    mayFail: true,
  });
  return code === 0 ? ` at ${stdout.trim()}` : "";
}
