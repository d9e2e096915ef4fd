/** The demo, with containers of a private Docker engine: what a user sees first. */

import { equal, match } from "node:assert/strict";
import { fileURLToPath } from "node:url";

const DEMO = fileURLToPath(new URL("../../scripts/demo", import.meta.url));

Deno.test("the demo with Docker containers ends with a table that is all green", async () => {
  const { code, stdout, stderr } = await new Deno.Command(DEMO, { args: ["--docker"] }).output();
  const text = new TextDecoder().decode(stdout);
  equal(code, 0, text.slice(-3000) + new TextDecoder().decode(stderr).slice(-1000));
  match(text, /\n {3}all \d+ ok in \d+ s\n/);
  match(text, /the containers are Docker's/);
  const [, closing = ""] = text.split("== Summary");
  for (const way of ["c1 -> c3", "c3 -> c1"]) {
    const row = `ok +iperf3 ${way}, by shuttle +[0-9.]+ Mbit/s, [0-9.]+ of kernel VXLAN, `;
    match(closing, new RegExp(row));
  }
});
