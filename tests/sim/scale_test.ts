/**
 * What is promised of a hundred peers that are all connected: a lost link is known to all within 5 s, for less than 2 MB
 * that a peer sends. Half a minute of the processor is too much for the gate: there it is 25 peers, and a hundred with
 * `deno task test:sim -- --full`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runSize } from "../helpers/run_size.ts";
import { loseLink, measureRound, settledWorld } from "./scale_runs.ts";

/** All connected to all. */
const PEERS = runSize("peers", 25, 100);
const CONVERGED_MS = 5_000;
const SENT_BYTES = 2_000_000;
/** Of periodic gossip: 13 neighbours get a sum each, which takes a message of 56 bytes. */
const ROUND_BYTES = 1_000;

Deno.test(`MeshCore tells ${PEERS} peers of a lost link within 5 s and 2 MB`, () => {
  const world = settledWorld(PEERS, true);
  assert.ok(world.agree(), "they begin with equal tables");
  const { bytes } = measureRound(world);
  assert.ok(bytes > 0 && bytes < ROUND_BYTES, `${bytes} bytes a round`);
  const lost = loseLink(world);
  assert.ok(lost.agree, "they end with equal tables");
  assert.ok(lost.convergedMs > 0 && lost.convergedMs < CONVERGED_MS, `${lost.convergedMs} ms`);
  assert.ok(lost.mostBytes < SENT_BYTES, `${lost.mostBytes} bytes`);
});
