import { deepEqual, equal } from "node:assert/strict";
import { formatCidr } from "../../base/mod.ts";
import { type IpamSettings, ipamSettings, overlaps, parseSubnet } from "./ipam_options.ts";
import { parseLaunch } from "./parse.ts";
import { Taker } from "./taker.ts";

function settings(words: string[], env: Record<string, string> = {}): IpamSettings | undefined {
  return ipamSettings(new Taker(parseLaunch(words, (name) => env[name])));
}

Deno.test("ipamSettings() takes range and default subnet in the spellings of all eras", () => {
  for (
    const words of [
      ["--ipalloc-range=10.2.0.0/16", "--ipalloc-default-subnet=10.2.3.0/24"],
      ["-iprange", "10.2.0.0/16", "-ipsubnet", "10.2.3.0/24"],
    ]
  ) {
    const found = settings(words);
    equal(found?.rangeGiven, true);
    equal(found && formatCidr(found.range), "10.2.0.0/16");
    equal(found && formatCidr(found.defaultSubnet), "10.2.3.0/24");
  }
});

Deno.test("ipamSettings() takes the range from the environment, and the option before it", () => {
  const env = { WEFT_IPALLOC_RANGE: "10.2.0.0/16" };
  const range = (words: string[]): string => {
    const found = settings(words, env)?.range;
    return found === undefined ? "none" : formatCidr(found);
  };
  equal(range([]), "10.2.0.0/16");
  equal(range(["--ipalloc-range=10.3.0.0/16"]), "10.3.0.0/16");
});

Deno.test("ipamSettings() is off when the range is empty", () => {
  equal(settings(["--ipalloc-range="]), undefined);
});

Deno.test("ipamSettings() lets the default subnet stick out of the range", () => {
  const found = settings(["--ipalloc-range=10.2.3.0/24", "--ipalloc-default-subnet=10.2.0.0/16"]);
  equal(found && formatCidr(found.defaultSubnet), "10.2.0.0/16");
});

const INITS: readonly [string[], IpamSettings["init"]][] = [
  [[], { kind: "founding" }],
  [["--ipalloc-init=consensus"], { kind: "founding" }],
  [["--ipalloc-init=consensus=0"], { kind: "founding" }],
  [["--ipalloc-init=seed="], { kind: "founding" }],
  [["--ipalloc-init=consensus=3"], { kind: "consensus", peers: 3 }],
  [["--init-peer-count", "3"], { kind: "consensus", peers: 3 }],
  [["-initpeercount", "3"], { kind: "consensus", peers: 3 }],
  [["--ipalloc-init=observer"], { kind: "observer" }],
  [["--ipalloc-init=seed=::1,02::2"], { kind: "seed", names: [1, 0x0200_0000_0002] }],
];
for (const [words, init] of INITS) {
  Deno.test(`ipamSettings() understands ${words.join(" ") || "nothing"}`, () => {
    deepEqual(settings(words)?.init, init);
  });
}

Deno.test("overlaps() is containment either way", () => {
  const subnet = parseSubnet;
  equal(overlaps(subnet("10.2.0.0/16"), subnet("10.2.3.0/24")), true);
  equal(overlaps(subnet("10.2.3.0/24"), subnet("10.2.0.0/16")), true);
  equal(overlaps(subnet("10.2.3.0/24"), subnet("10.2.4.0/24")), false);
});
