import { equal } from "node:assert/strict";
import { Answers } from "./answers.ts";

Deno.test("Answers.wrote() expects no answer before there was one", () => {
  const answers = new Answers();
  answers.readable(1000);
  equal(answers.wrote(1000), false);
});

Deno.test("Answers.wrote() expects an answer once one has come with the write", () => {
  const answers = new Answers();
  answers.wrote(1000);
  answers.readable(1000);
  equal(answers.wrote(1004), true);
  answers.looked(true);
  equal(answers.wrote(1008), true);
});

Deno.test("Answers.wrote() takes a frame that comes later for no answer", () => {
  const answers = new Answers();
  answers.wrote(1000);
  answers.readable(1004);
  equal(answers.wrote(1004), false);
});

Deno.test("Answers.wrote() expects none after a look in vain, until one comes by itself", () => {
  const answers = new Answers();
  answers.wrote(1000);
  answers.readable(1000);
  answers.wrote(1004);
  answers.looked(false);
  equal(answers.wrote(1008), false);
  answers.readable(1008);
  equal(answers.wrote(1012), true);
});
