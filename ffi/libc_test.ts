import assert from "node:assert/strict";
import { cString, libc, openLibrary, orErrno } from "./libc.ts";
import { check, ERRNO, errnoName, SysError } from "./errno.ts";
import { OPEN, openFd } from "./fd.ts";
import { countingDescriptors } from "./_testing.ts";

Deno.test("openLibrary() names every path tried and the package when none works", () => {
  const place = {
    name: "libmissing",
    paths: ["libmissing.so.1", "/opt/missing/libmissing.so.1"],
    debianPackage: "libmissing1",
  };
  assert.throws(() => openLibrary(place, {}), (error: Error) => {
    for (const part of ["libmissing.so.1", "/opt/missing/libmissing.so.1", "package libmissing1"]) {
      assert.ok(error.message.includes(part), error.message);
    }
    return true;
  });
});

Deno.test("libc() returns the same symbols each time", () => {
  assert.equal(libc(), libc());
});

Deno.test("orErrno() returns -errno when a call has failed, else the result", () => {
  assert.equal(orErrno(libc().close(-1)), -ERRNO.EBADF);
  assert.equal(orErrno(7), 7);
});

Deno.test("check() throws SysError with call, number and name when a call has failed", () => {
  assert.throws(() => check("close nothing", libc().close(-1)), (error) => {
    assert.ok(error instanceof SysError);
    assert.deepEqual([error.call, error.errno, error.code], ["close nothing", 9, "EBADF"]);
    assert.equal(error.message, "Cannot close nothing: bad file descriptor (EBADF)");
    return true;
  });
});

Deno.test("errnoName() returns the number when it is not in the table", () => {
  assert.equal(errnoName(16), "EBUSY");
  assert.equal(errnoName(999), "errno 999");
});

Deno.test("cString() refuses a string with NUL", () => {
  assert.deepEqual([...cString("ä")], [0xc3, 0xa4, 0]);
  assert.throws(() => cString("a\0b"), TypeError);
});

Deno.test("Fd closes once and then reports -1", () => {
  countingDescriptors(() => {
    using first = openFd("/dev/null", OPEN.O_RDONLY);
    const number = first.number;
    first.close();
    using second = openFd("/dev/null", OPEN.O_RDONLY);
    first.close();
    assert.equal(second.number, number, "the number was free again");
    assert.equal(libc().writeBuffer(first.number, new Uint8Array(1), 1), -1);
    assert.equal(first.number, -1);
  });
});

Deno.test("openFd() throws ENOENT with the path when there is no file", () => {
  assert.throws(
    () => openFd("/nowhere/file", OPEN.O_RDONLY),
    (error) =>
      error instanceof SysError && error.code === "ENOENT" && /nowhere/.test(error.message),
  );
});
