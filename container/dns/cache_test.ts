import assert from "node:assert/strict";
import { AnswerCache, MAX_CACHE_SECONDS, MAX_CACHED, MAX_NEGATIVE_SECONDS } from "./cache.ts";
import type { Relayable } from "./reply.ts";

function answer(ttlSeconds: number, more: Partial<Relayable> = {}): Relayable {
  return {
    bytes: new Uint8Array(12),
    ttlPlaces: [],
    ttlSeconds,
    negative: false,
    hasOpt: false,
    ...more,
  };
}

Deno.test("AnswerCache keeps an answer for its TTL, and says how old it is", () => {
  const cache = new AnswerCache();
  cache.put("a", answer(10), 1_000);
  assert.equal(cache.get("a", 1_999)?.ageSeconds, 0);
  assert.equal(cache.get("a", 10_999)?.ageSeconds, 9);
  assert.equal(cache.get("a", 11_000), undefined);
  assert.equal(cache.size, 0);
});

Deno.test("AnswerCache keeps nothing with a TTL of 0, and nothing long", () => {
  const cache = new AnswerCache();
  cache.put("a", answer(0), 0);
  cache.put("b", answer(10, { bytes: new Uint8Array(5_000) }), 0);
  assert.equal(cache.size, 0);
});

Deno.test("AnswerCache cuts long TTLs", () => {
  const cache = new AnswerCache();
  cache.put("yes", answer(86_400), 0);
  cache.put("no", answer(86_400, { negative: true }), 0);
  assert.ok(cache.get("no", MAX_NEGATIVE_SECONDS * 1000 - 1));
  assert.equal(cache.get("no", MAX_NEGATIVE_SECONDS * 1000), undefined);
  assert.ok(cache.get("yes", MAX_CACHE_SECONDS * 1000 - 1));
  assert.equal(cache.get("yes", MAX_CACHE_SECONDS * 1000), undefined);
});

Deno.test("AnswerCache forgets what was not asked for longest when it is full", () => {
  const cache = new AnswerCache();
  for (let i = 0; i < MAX_CACHED; i++) cache.put(`${i}`, answer(60), 0);
  cache.get("0", 1);
  cache.put("new", answer(60), 2);
  assert.equal(cache.size, MAX_CACHED);
  assert.ok(cache.get("0", 3));
  assert.equal(cache.get("1", 3), undefined);
});
