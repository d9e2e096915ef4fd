import { equal } from "node:assert/strict";
import { BridgeAnswers } from "./bridge_answers.ts";

/** Has seen an answer that came with a write, in the millisecond 1000. */
function answered(): BridgeAnswers {
  const answers = new BridgeAnswers();
  answers.wrote(1000);
  answers.readable(1000);
  return answers;
}

Deno.test("BridgeAnswers.wrote() expects no answer before there was one", () => {
  const answers = new BridgeAnswers();
  answers.readable(1000);
  equal(answers.wrote(1000), false);
});

Deno.test("BridgeAnswers.wrote() expects an answer once one has come with the write", () => {
  const answers = answered();
  equal(answers.wrote(1004), true);
  answers.looked(true);
  equal(answers.wrote(1008), true);
});

Deno.test("BridgeAnswers.wrote() takes a frame that comes later for no answer", () => {
  const answers = new BridgeAnswers();
  answers.wrote(1000);
  answers.readable(1004);
  equal(answers.wrote(1004), false);
});

Deno.test("BridgeAnswers.wrote() expects none after a look in vain, until one comes by itself", () => {
  const answers = answered();
  answers.wrote(1004);
  answers.looked(false);
  equal(answers.wrote(1008), false);
  answers.readable(1008);
  equal(answers.wrote(1012), true);
});
