/**
 * One pass over JSON text that finds out whether `JSON.parse` may be trusted with it: how deep it nests, how many keys it has, and
 * whether an integer is too long for a number. It checks nothing else: text that is not JSON may give any answer.
 */

export interface Scan {
  readonly depth: number;
  readonly keys: number;
  /** A run of 16 digits or more stands outside of strings. */
  readonly longNumber: boolean;
}

const quote = 34;
const backslash = 92;
const colon = 58;

export function scanJson(text: string): Scan {
  let depth = 0;
  let deepest = 0;
  let keys = 0;
  let digits = 0;
  let longNumber = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char >= 48 && char <= 57) {
      if (++digits > 15) longNumber = true;
      continue;
    }
    digits = 0;
    if (char === quote) {
      i = endOfString(text, i);
    } else if (char === colon) {
      keys++;
    } else if (char === 123 || char === 91) {
      if (++depth > deepest) deepest = depth;
    } else if (char === 125 || char === 93) {
      depth--;
    }
  }
  return { depth: deepest, keys, longNumber };
}

/** The place of the quote that closes the string which opens at `start`; the end of the text when none does. */
export function endOfString(text: string, start: number): number {
  for (let i = text.indexOf('"', start + 1); i >= 0; i = text.indexOf('"', i + 1)) {
    let slashes = 0;
    while (text.charCodeAt(i - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return i;
  }
  return text.length;
}
