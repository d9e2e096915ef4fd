import assert from "node:assert/strict";
import { CALLS, heapGrowth, NOISE_BYTES } from "../tests/helpers/heap_growth.ts";
import {
  answersCall,
  bulkCall,
  checksumCall,
  decideCapturedCall,
  decideOpenedCall,
  decideRelayCall,
  joinCall,
  macLookupCall,
  macRefreshCall,
  paceCall,
  pollingCall,
  splitCall,
  stormCall,
  urgencyCall,
  warmthCall,
} from "../tests/helpers/hot_paths.ts";

const CASES: Record<string, () => () => number> = {
  "sum16()": checksumCall,
  "MacTable.lookup()": () => macLookupCall(true),
  "MacTable.learnRemote()": macRefreshCall,
  "Offload.writePiece()": splitCall,
  "Joiner.offer() and flush()": () => joinCall(true),
  "Joiner.offer() with checksums": () => joinCall(false),
  "Forwarding.decideCaptured()": decideCapturedCall,
  "Forwarding.decideReceived()": decideRelayCall,
  "Forwarding.decideOpened()": decideOpenedCall,
  "StormLimiter.admit()": stormCall,
  "Pace.watches() and tires()": paceCall,
  "Polling.moved(), begins() and polls()": pollingCall,
  "Urgency.turned()": urgencyCall,
  "isBulk()": bulkCall,
  "Warmth.turned() and lasts()": warmthCall,
  "BridgeAnswers.wrote(), readable() and looked()": answersCall,
};

for (const [name, make] of Object.entries(CASES)) {
  Deno.test(`${name} allocates nothing per call`, () => {
    const growth = heapGrowth(make());
    assert.ok(growth < NOISE_BYTES, `${growth} bytes in ${CALLS} calls`);
  });
}
