/**
 * One function of libc bound in two ways, to compare what a call costs.
 *
 * @module
 */

/** So few bytes that the call is all there is. */
export const FEW_BYTES = 4;

/** `memcpy` with addresses as 64-bit and as 32-bit numbers. */
export interface TwoShapes {
  /** Slow: V8 has to look at each number. */
  readonly usize: (to: number, from: number, bytes: number) => void;
  /** As weft binds everything on its hot path. */
  readonly u32: (to: number, from: number, bytes: number) => void;
}

let opened: TwoShapes | undefined;

/** Opens it once; it stays open. */
export function openedLibrary(): TwoShapes {
  if (opened === undefined) {
    const { symbols } = Deno.dlopen("libc.so.6", {
      usize: { name: "memcpy", parameters: ["usize", "usize", "usize"], result: "void" },
      u32: { name: "memcpy", parameters: ["u32", "u32", "u32"], result: "void" },
    });
    opened = {
      usize: symbols.usize as unknown as TwoShapes["usize"],
      u32: symbols.u32,
    };
  }
  return opened;
}
