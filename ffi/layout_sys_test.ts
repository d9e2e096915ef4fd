import assert from "node:assert/strict";
import { EXPECTED } from "./layout_expected.ts";

function haveGcc(): boolean {
  try {
    return new Deno.Command("gcc", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "layout_expected.ts is what scripts/layouts.c prints",
  ignore: Deno.build.arch !== "x86_64" || !haveGcc(),
  async fn(): Promise<void> {
    const directory = Deno.makeTempDirSync();
    try {
      const source = new URL("../scripts/layouts.c", import.meta.url).pathname;
      const program = `${directory}/layouts`;
      const built = new Deno.Command("gcc", { args: ["-o", program, source] }).outputSync();
      assert.ok(built.success, new TextDecoder().decode(built.stderr));
      const printed = new TextDecoder().decode(new Deno.Command(program).outputSync().stdout);
      const checkedIn = new URL("./layout_expected.ts", import.meta.url);
      assert.equal(printed, Deno.readTextFileSync(checkedIn));
      const module = await import(`data:application/typescript,${encodeURIComponent(printed)}`);
      assert.deepEqual(module.EXPECTED, EXPECTED);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  },
});
