import { deepEqual, equal } from "node:assert/strict";
import type { PairState } from "../switch/mod.ts";
import { PairBoard } from "./pair_board.ts";

const TWO = 0x0200_0000_0002;
const THREE = 0x0200_0000_0003;
const PEERS = [{ name: TWO, nickname: "two" }, { name: THREE, nickname: "three" }];

function board(offered = true): PairBoard {
  const pairs = new PairBoard(offered);
  pairs.peers([TWO, THREE], 100);
  return pairs;
}

function pair(more: Partial<PairState> = {}): PairState {
  return {
    kind: "pair",
    peer: TWO,
    shuttle: true,
    reason: undefined,
    mtuBytes: 1389,
    cipher: "AES-256-GCM",
    ...more,
  };
}

const BY_SLEEVE = {
  shuttle: false,
  mtuBytes: undefined,
  reason: "no answer to the probe",
} as const;

function reason(pairs: PairBoard): string | undefined {
  return pairs.rows(PEERS)[0]?.reason;
}

Deno.test("PairBoard.rows() has sleeve for peers of which nothing is known yet", () => {
  deepEqual(
    board().rows(PEERS),
    [TWO, THREE].map((peer, i) => ({
      peer,
      nickname: ["two", "three"][i],
      overlay: "sleeve",
      cipher: undefined,
      mtuBytes: undefined,
      reason: "nothing is known yet",
      since: 100,
    })),
  );
});

Deno.test("PairBoard.rows() says what the data plane says", () => {
  const pairs = board();
  pairs.data(pair(), 200);
  deepEqual(pairs.rows(PEERS.slice(0, 1)), [{
    peer: TWO,
    nickname: "two",
    overlay: "shuttle",
    cipher: "AES-256-GCM",
    mtuBytes: 1389,
    reason: undefined,
    since: 200,
  }]);
});

Deno.test("PairBoard.data() tells of each turn, and since when the way is what it is", () => {
  const pairs = board();
  equal(pairs.data(pair({ ...BY_SLEEVE, cipher: undefined }), 200), undefined);
  deepEqual(pairs.data(pair(), 300), { shuttle: true, reason: undefined });
  equal(pairs.data(pair({ mtuBytes: 1200 }), 400), undefined);
  equal(pairs.rows(PEERS)[0]?.since, 300);
  deepEqual(pairs.data(pair(BY_SLEEVE), 500), { shuttle: false, reason: BY_SLEEVE.reason });
  equal(pairs.rows(PEERS)[0]?.since, 500);
});

Deno.test("PairBoard.rows() says why there is no key, behind what the data plane says", () => {
  const pairs = board();
  pairs.agreed(TWO, "failed", "no common password");
  equal(reason(pairs), "nothing is known yet (key: no common password)");
  pairs.data(pair({ ...BY_SLEEVE, reason: "there is no key yet", cipher: undefined }), 200);
  equal(reason(pairs), "there is no key yet (key: no common password)");
});

Deno.test("PairBoard.rows() leaves agreement out when a key is there and nothing is wrong with it", () => {
  const pairs = board();
  pairs.agreed(TWO, "ready", undefined);
  pairs.data(pair(BY_SLEEVE), 200);
  equal(reason(pairs), BY_SLEEVE.reason);
  pairs.agreed(TWO, "failed", "no answer");
  equal(reason(pairs), BY_SLEEVE.reason);
});

Deno.test("PairBoard.rows() says that the next key is missing while the last one works", () => {
  const pairs = board();
  pairs.data(pair(), 200);
  pairs.agreed(TWO, "ready", "no answer");
  equal(reason(pairs), "next key: no answer");
});

Deno.test("PairBoard.rows() says that shuttle is not offered when it is not", () => {
  equal(reason(board(false)), "this router does not offer shuttle");
});

Deno.test("PairBoard forgets who is gone, and ignores what is said of strangers", () => {
  const pairs = board();
  pairs.data(pair(), 200);
  pairs.peers([THREE], 300);
  equal(pairs.data(pair(), 400), undefined);
  pairs.agreed(TWO, "ready", undefined);
  deepEqual(pairs.rows(PEERS).map(({ peer, since }) => [peer, since]), [[THREE, 100]]);
  pairs.peers([TWO, THREE], 500);
  deepEqual(pairs.rows(PEERS).map(({ peer, since, overlay }) => [peer, since, overlay]), [
    [TWO, 500, "sleeve"],
    [THREE, 100, "sleeve"],
  ]);
});
