/**
 * `weft keygen`: makes a password that nobody guesses.
 *
 * @module
 */

import { command, CommandError, JSON_OPTION } from "../command.ts";

/** Digits and letters that are not taken for each other, 5 bits each; none of them means anything to a shell or in a URL. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
/** 140 bits: the 128 that are asked for, in groups of one length. */
const LENGTH = 28;
const GROUP = 7;
/** Only its owner reads it. */
const FILE_MODE = 0o600;

/** `weft keygen [--output FILE]`. */
export const keygenCommand = command({
  name: "keygen",
  summary: "make a strong password, the same for all hosts",
  args: "",
  count: [0, 0],
  options: {
    output: { value: "FILE", short: "o", summary: "write it to a new file that only you can read" },
    json: JSON_OPTION,
  },
  run(_words, { output, json }, io): Promise<void> {
    const password = passwordOf(crypto.getRandomValues(new Uint8Array(LENGTH)));
    if (typeof output === "string") write(absolute(output, io.cwd), `${password}\n`);
    else io.out(`${json ? JSON.stringify({ password }) : password}\n`);
    return Promise.resolve();
  },
});

/** Returns a password of 5 bits from each random byte. */
export function passwordOf(random: Uint8Array): string {
  const characters = [...random].map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join("");
  return (characters.match(new RegExp(`.{1,${GROUP}}`, "g")) ?? []).join("-");
}

function absolute(path: string, cwd: string): string {
  return path.startsWith("/") ? path : `${cwd}/${path}`;
}

function write(path: string, text: string): void {
  try {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: FILE_MODE });
    file.writeSync(new TextEncoder().encode(text));
    file.syncSync();
  } catch (error) {
    const reason = error instanceof Deno.errors.AlreadyExists
      ? "it exists, and the password in it may be in use; name another file"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new CommandError(`Cannot write "${path}": ${reason}`);
  }
}
