/**
 * How hard a password is to guess, and what to say about one that is not.
 *
 * Whoever can connect gets a message sealed with the password and may try guesses against it at home, for the price of one
 * hash each (spec/mesh.md 22). So nothing but the number of guesses protects the network.
 *
 * ```
 *   "Summer2026!"   word 6 bits + year 6 bits + "!" 6 bits                      about 18 bits
 *   a random one    log2(characters of the kinds that occur) for each            28 of keygen: 140 bits
 * ```
 *
 * It is an estimate, and a kind one: it takes for random what it does not recognise.
 *
 * @module
 */

/** Ten thousand machines with 10^10 guesses a second each need centuries for half of 2^80. */
const STRONG_BITS = 80;

/** Runs of letters that a guesser tries first, digits and signs that stand for letters undone. */
const COMMON = (
  "password passwort passwd passphrase qwerty qwertz azerty asdf zxcvbn letmein welcome changeme iloveyou " +
  "administrator admin master root login guest user default secret private test demo example hello monkey dragon " +
  "football baseball sunshine princess shadow superman batman trustno spring summer autumn winter " +
  "monday friday january december weave weft docker container kubernetes cluster network server production company"
).split(" ").sort((a, b) => b.length - a.length);

/** One of the list above, in any case and spelling. */
const COMMON_BITS = 6;
/** A word taken at random from a long list, such as those of dice. */
const WORD_BITS = 13;
/** One of about a hundred years. */
const YEAR_BITS = 6;
/** A character that follows from the one before it. */
const FOLLOWS_BITS = 1;

/** Kinds of characters with the number of each. */
const KINDS: readonly (readonly [RegExp, number])[] = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/[0-9]/, 10],
  [/[ -/:-@[-`{-~]/, 33],
  [/\P{ASCII}/u, 100],
];

const LEET: Readonly<Record<string, string>> = {
  "@": "a",
  "4": "a",
  "3": "e",
  "1": "i",
  "!": "i",
  "0": "o",
  "$": "s",
  "5": "s",
  "7": "t",
};

/** Returns a line for each password that can be guessed, without the password. */
export function passwordWarnings(passwords: readonly string[]): string[] {
  return passwords.flatMap((password, i) => {
    const bits = Math.floor(passwordBits(password));
    if (bits >= STRONG_BITS) return [];
    const which = passwords.length === 1 ? "the password" : `password ${i + 1} of the file`;
    return [
      `${which} is weak (about ${bits} bits, ${STRONG_BITS} are needed): anyone who can connect may guess it ` +
      "offline; make a strong one with: weft keygen",
    ];
  });
}

/** Returns about how many bits a guesser has to search. */
export function passwordBits(password: string): number {
  const characters = [...password];
  const period = periodOf(characters);
  const once = characters.slice(0, period);
  const repeats = Math.log2(characters.length / Math.max(period, 1) || 1);
  return repeats + pieces(once.join(""), bitsPerCharacter(once));
}

/** Returns after how many characters it begins again; all of them if it does not. */
function periodOf(characters: readonly string[]): number {
  for (let period = 1; period <= characters.length / 2; period++) {
    if (characters.every((each, i) => i < period || each === characters[i - period])) return period;
  }
  return characters.length;
}

function bitsPerCharacter(characters: readonly string[]): number {
  const text = characters.join("");
  const size = /^[0-9a-f]*$/i.test(text)
    ? 16
    : KINDS.reduce((sum, [kind, count]) => sum + (kind.test(text) ? count : 0), 0);
  // Many of few characters: "aabbabab" has no more than its two, whatever else there could be.
  return Math.log2(Math.max(1, Math.min(size, 2 * new Set(characters).size)));
}

/** Adds up the pieces: known words, words, years, and characters one by one. */
function pieces(text: string, each: number): number {
  const plain = [...text.toLowerCase()].map((character) => LEET[character] ?? character).join("");
  const said = new Set<string>();
  let bits = 0;
  for (let at = 0; at < text.length;) {
    const [length, worth] = pieceAt(text, plain, at, each);
    const piece = text.slice(at, at + length).toLowerCase();
    bits += length > 1 && said.has(piece) ? FOLLOWS_BITS : worth;
    said.add(piece);
    at += length;
  }
  return bits;
}

function pieceAt(text: string, plain: string, at: number, each: number): [number, number] {
  const common = COMMON.find((word) => plain.startsWith(word, at));
  if (common !== undefined) return [common.length, COMMON_BITS];
  const rest = text.slice(at);
  const year = /^(19|20)\d\d(?!\d)/.exec(rest)?.[0];
  if (year !== undefined) return [year.length, YEAR_BITS];
  const before = text.charAt(at - 1);
  const word = /[a-z]/i.test(before) ? undefined : wordIn(rest);
  if (word !== undefined) return [word.length, Math.min(WORD_BITS, word.length * each)];
  return [1, follows(text, at) ? FOLLOWS_BITS : each];
}

/** A run of letters that could be spoken. */
function wordIn(text: string): string | undefined {
  const run = /^([a-z]{4,12}|[A-Z][a-z]{3,11}|[A-Z]{4,12})(?![a-z])/i.exec(text)?.[0];
  if (run === undefined || !/^([a-z]+|[A-Z][a-z]+|[A-Z]+)$/.test(run)) return undefined;
  const spoken = /[aeiouy]/i.test(run) && !/[bcdfghjklmnpqrstvwxz]{5}/i.test(run);
  return spoken ? run : undefined;
}

/** The same character again, or the next one up or down, as in "111" and "abc". */
function follows(text: string, at: number): boolean {
  if (at === 0) return false;
  return Math.abs(text.charCodeAt(at) - text.charCodeAt(at - 1)) <= 1;
}
