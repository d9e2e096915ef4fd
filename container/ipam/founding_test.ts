import { deepEqual, equal, match } from "node:assert/strict";
import type { PeerName } from "../../base/mod.ts";
import type { InitMode } from "./allocator_io.ts";
import { Founding, MAX_TOLD } from "./founding.ts";
import type { Role, Told } from "./weft_channel.ts";

const FOUNDING: InitMode = { kind: "founding" };

/** Host n, told of others; `[n, false]` was never reached. */
function made(
  targets: (number | [number, false])[],
  real: number[] = [],
  absent: number[] = [],
): Founding {
  const founding = new Founding(1, FOUNDING, false);
  founding.setPeers(
    [1, 2, 3, 4].filter((name) => !absent.includes(name)).map((name) => ({
      name,
      nickname: `host${name}`,
      reachable: true,
      weft: !real.includes(name),
    })),
  );
  founding.setTargets(targetsOf(targets));
  return founding;
}

function targetsOf(
  targets: (number | [number, false])[],
): { text: string; peer: PeerName | undefined }[] {
  return targets.map((each) =>
    typeof each === "number"
      ? { text: `192.0.2.${each}`, peer: each }
      : { text: `192.0.2.${each[0]}`, peer: undefined }
  );
}

function says(
  name: PeerName,
  targets: (number | [number, false])[],
  role?: Role,
  serial = 1,
): Told {
  const usual = targets.length > 0 ? "joiner" : "founder";
  return { name, serial, role: role ?? usual, targets: targetsOf(targets) };
}

function names(founding: Founding): readonly PeerName[] | readonly string[] {
  const standing = founding.standing();
  if (standing.kind === "waits") return standing.for;
  if (standing.kind === "votes" && standing.quorum?.kind === "names") return standing.quorum.names;
  return [standing.kind];
}

Deno.test("Founding.standing() founds only when we were told of nobody", () => {
  deepEqual(names(made([])), ["founds"]);
  equal(made([2]).standing().kind, "waits");
});

Deno.test("Founding.standing() waits until it is told whom we were told of", () => {
  const founding = new Founding(1, FOUNDING, false);
  deepEqual(names(founding), ["whom this peer was told of"]);
  deepEqual(founding.all, []);
  equal(founding.setTargets([]), true);
  equal(founding.standing().kind, "founds");
});

Deno.test("Founding.standing() does not found after a former run voted", () => {
  const founding = new Founding(1, FOUNDING, true);
  founding.setTargets([]);
  deepEqual(names(founding), [1]);
});

Deno.test("Founding.standing() waits for targets that were never reached", () => {
  deepEqual(names(made([[2, false], [3, false]])), ["192.0.2.2", "192.0.2.3"]);
});

Deno.test("Founding.standing() waits until each target said whom it was told of", () => {
  const founding = made([2, 3]);
  founding.hear([says(2, [1])]);
  deepEqual(names(founding), ["host3(00:00:00:00:00:03) to say whom it was told of"]);
});

Deno.test("Founding.standing() votes with all that are told of, however indirectly", () => {
  const founding = made([2]);
  founding.hear([says(2, [3]), says(3, [1, 2])]);
  deepEqual(names(founding), [1, 2, 3]);
});

Deno.test("Founding.standing() waits for a target of another that was never reached", () => {
  const founding = made([2]);
  founding.hear([says(2, [1, [4, false]])]);
  deepEqual(names(founding), ["192.0.2.4, which host2(00:00:00:00:00:02) was told of"]);
});

Deno.test("Founding.standing() waits for the ring of a founder", () => {
  const founding = made([2]);
  founding.hear([says(2, [])]);
  deepEqual(names(founding), ["the ring of host2(00:00:00:00:00:02), the founder"]);
});

Deno.test("Founding.standing() waits for any founder that is there when a real peer was told of nobody knows whom", () => {
  const founding = made([2], [2]);
  founding.hear([says(3, []), says(4, [3])]);
  equal(names(founding)[0], "the ring of host3(00:00:00:00:00:03), the founder");
  equal(founding.waitsForFounder, true);
  founding.setPeers(
    [1, 2, 4].map((name) => ({ name, nickname: "", reachable: true, weft: name !== 2 })),
  );
  deepEqual(names(founding), [1, 2]);
  equal(founding.waitsForFounder, false);
});

Deno.test("Founding.standing() asks real peers and ourselves for no words", () => {
  deepEqual(names(made([1, 2], [2])), [1, 2]);
});

Deno.test("Founding.standing() waits for a member that is away and said nothing", () => {
  deepEqual(names(made([4], [], [4])), ["00:00:00:00:00:04"]);
});

Deno.test("Founding.standing() wants no vote of observers", () => {
  const founding = made([2]);
  founding.hear([says(2, [3], "observer"), says(3, [1])]);
  deepEqual(names(founding), [1, 3]);
});

Deno.test("Founding.standing() takes a majority when a number was given", () => {
  const founding = new Founding(1, { kind: "consensus", peers: 5 }, false);
  deepEqual(founding.standing(), { kind: "votes", quorum: { kind: "count", count: 3 } });
});

Deno.test("Founding.standing() waits for whatever comes as an observer", () => {
  equal(new Founding(1, { kind: "observer" }, false).standing().kind, "waits");
});

Deno.test("Founding.giveUp() waits no longer for a target", () => {
  const founding = made([2, [3, false]]);
  founding.hear([says(2, [1])]);
  equal(founding.giveUp(["192.0.2.3"]), true);
  deepEqual(names(founding), [1, 2]);
  deepEqual(founding.mine.targets.map(({ peer }) => peer), [2]);
});

Deno.test("Founding.setTargets() makes a joiner of a founder, and says so once", () => {
  const founding = made([]);
  const before = founding.mine.serial;
  equal(founding.setTargets(targetsOf([2])), true);
  equal(founding.setTargets(targetsOf([2])), false);
  equal(founding.mine.role, "joiner");
  equal(founding.mine.serial, before + 1);
});

Deno.test("Founding.hear() tells what is new, and keeps the later words", () => {
  const founding = made([2]);
  equal(founding.hear([says(2, [1], "joiner", 4)]).length, 1);
  equal(founding.hear([says(2, [1], "joiner", 4)]).length, 0);
  equal(founding.hear([says(2, [], "founder", 3)]).length, 0);
  deepEqual(names(founding), [1, 2]);
});

Deno.test("Founding.hear() speaks louder than others remember a former run of ours", () => {
  const founding = made([2]);
  const [mine] = founding.hear([says(1, [], "founder", 40)]);
  equal(mine?.serial, 41);
  equal(mine?.role, "joiner");
  equal(founding.mine.serial, 41);
});

Deno.test("Founding.setPeers() keeps what members said that are away now, and forgets others", () => {
  const founding = made([2]);
  founding.hear([says(2, [1]), says(4, [3])]);
  founding.setPeers([{ name: 1, nickname: "host1", reachable: true, weft: true }]);
  deepEqual(founding.all.map(({ name }) => name), [1, 2]);
});

Deno.test("Founding.standing() says how to go on without a peer that gives out no addresses", () => {
  const founding = made([2]);
  equal(founding.waitsInVain, false);
  founding.hearAbsent(2);
  equal(founding.waitsInVain, true);
  match(
    `${names(founding)}`,
    /^host2\(.*\), which gives out no .*: weft prime --without 192\.0\.2\.2\)$/,
  );
  founding.giveUp(["192.0.2.2"]);
  equal(founding.waitsInVain, false);
  deepEqual(names(founding), [1]);
});

Deno.test("Founding.standing() says where to go on without a peer that another was told of", () => {
  const founding = made([2]);
  founding.hear([says(2, [3])]);
  founding.hearAbsent(3);
  match(`${names(founding)}`, /^host3\(.*weft prime --without 192\.0\.2\.3 on host2\(/);
});

Deno.test("Founding.standing() waits no longer in vain for a peer that speaks, or has gone", () => {
  const speaks = made([2]);
  speaks.hearAbsent(2);
  speaks.hear([says(2, [1])]);
  equal(speaks.waitsInVain, false);
  const gone = made([2]);
  gone.hearAbsent(2);
  gone.setPeers([]);
  equal(gone.waitsInVain, false);
});

Deno.test("Founding.hear() remembers no more peers than there can be", () => {
  const founding = made([2]);
  const count = 2 * MAX_TOLD;
  founding.hear(Array.from({ length: count }, (_, i) => says(2 + i, [3 + i])));
  equal(founding.all.length, MAX_TOLD + 1);
  equal(founding.standing().kind, "waits");
});
