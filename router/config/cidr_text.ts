/**
 * How an address is told from other words of a command line.
 *
 * @module
 */

/**
 * Tells whether a word is meant as `IP/LEN`: four numbers, a slash and one or two digits.
 *
 * It may still be no address, as 10.1.2.300/24; who uses it says so.
 */
export function isCidrText(word: string): boolean {
  return /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\/[0-9]{1,2}$/.test(word);
}
