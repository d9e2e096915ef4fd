import assert from "node:assert/strict";
import { RefusedError } from "../refused.ts";
import { isDnsName, nameIn, normalDomain } from "./domain.ts";

const DOMAIN = normalDomain("Example.org");

Deno.test("normalDomain() lowers the case and adds the dot", () => {
  assert.equal(DOMAIN, "example.org.");
});

Deno.test("nameIn() returns names of the domain, and the domain itself, as they are kept", () => {
  for (
    const [name, expected] of [
      ["Web.example.ORG", "web.example.org."],
      ["a.b.example.org.", "a.b.example.org."],
      ["example.org", "example.org."],
      ["under_score.example.org", "under_score.example.org."],
    ] as const
  ) assert.equal(nameIn(DOMAIN, name), expected);
});

Deno.test("nameIn() refuses what lies outside the domain", () => {
  for (const name of ["web", "", ".", "web.example.com", "notexample.org."]) {
    assert.throws(() => nameIn(DOMAIN, name), { code: "outside-domain" }, name);
  }
});

Deno.test("nameIn() refuses what no query can ask for", () => {
  const long = "a".repeat(64);
  const longest = Array(60).fill("abc").join(".");
  for (const label of ["", "a..b", long, `${longest}.${longest}`, "a b", "a\\b", "käse"]) {
    assert.throws(
      () => nameIn(DOMAIN, `${label}.example.org`),
      (error) => error instanceof RefusedError && error.code === "not-possible",
    );
  }
});

Deno.test("isDnsName() wants the dot at the end", () => {
  assert.equal(isDnsName("a.example.org."), true);
  assert.equal(isDnsName("a.example.org"), false);
});
