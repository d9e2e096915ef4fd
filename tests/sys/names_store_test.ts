import assert from "node:assert/strict";
import { NamesStore } from "../../container/dns/names_store_shell.ts";

const NAME = { hostname: "web.example.org.", container: "c", ip: 0xc0000201 };

Deno.test("NamesStore.open() finds names again, and refuses what is in use or is no database", () => {
  const directory = Deno.makeTempDirSync();
  try {
    {
      using store = NamesStore.open(directory);
      store.add(NAME);
      assert.throws(() => NamesStore.open(directory), /another router has it open/);
    }
    {
      using store = NamesStore.open(directory);
      assert.deepEqual(store.names(), [NAME]);
      store.remove([{ ...NAME, hostname: "WEB.example.org." }]);
      assert.deepEqual(store.names(), []);
    }
    Deno.writeTextFileSync(`${directory}/names.db`, "no database, but long enough to look at\n");
    assert.throws(() => NamesStore.open(directory), /Cannot read the stored names .*move the file/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
