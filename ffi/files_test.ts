import { equal } from "node:assert/strict";
import { countingDescriptors } from "./_testing.ts";
import { overwriteFile, replaceFile } from "./files.ts";

Deno.test("overwriteFile() changes the file that others have open", () => {
  countingDescriptors(() => {
    const path = Deno.makeTempFileSync();
    try {
      Deno.writeTextFileSync(path, "a long text");
      const before = Deno.statSync(path).ino;
      equal(overwriteFile(path, "short"), true);
      equal(Deno.readTextFileSync(path), "short");
      equal(Deno.statSync(path).ino, before);
    } finally {
      Deno.removeSync(path);
    }
  });
});

Deno.test("overwriteFile() makes no file", () => {
  equal(overwriteFile("/nowhere/hosts", "text"), false);
});

Deno.test("overwriteFile() follows no symbolic link at the end of a path", () => {
  const [target, link] = [Deno.makeTempFileSync(), Deno.makeTempFileSync()];
  try {
    Deno.writeTextFileSync(target, "kept");
    Deno.removeSync(link);
    Deno.symlinkSync(target, link);
    equal(overwriteFile(link, "lost"), false);
    equal(Deno.readTextFileSync(target), "kept");
  } finally {
    for (const path of [target, link]) Deno.removeSync(path);
  }
});

Deno.test("replaceFile() leaves the old file to those who have it open", () => {
  const path = Deno.makeTempFileSync();
  try {
    using old = Deno.openSync(path, { read: true, write: true });
    equal(replaceFile(path, "new", 0o644), true);
    equal(Deno.readTextFileSync(path), "new");
    equal(old.statSync().size, 0);
    equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o644);
  } finally {
    Deno.removeSync(path);
  }
});
