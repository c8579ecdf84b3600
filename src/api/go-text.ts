/**
 * Values as Go prints them inside the API's messages: quoted strings (`%q`) and JSON (`encoding/json`). Clients and tests match on
 * these texts, and JavaScript's own forms differ for control characters, `<`, `>` and `&`.
 */
import { stringifyJson } from './json/stringify.ts';

const plainText = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;
const shortEscapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

/** The text in double quotes with Go's escapes. @source strconv.Quote */
export function goQuote(text: string): string {
  if (plainText.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const char of text) quoted += shortEscapes[char] ?? escapeRune(char);
  return `${quoted}"`;
}

function escapeRune(char: string): string {
  const code = char.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  // Go prints letters, marks, numbers, punctuation, symbols and the plain space as they are.
  if (code < 0x7f || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char)) return char;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

const unsafeInJson = /[<>&\u2028\u2029]/g;

/** JSON as `json.Marshal` writes it. */
export function goJson(value: unknown): string {
  if (value === undefined) return 'null';
  return stringifyJson(value).replace(unsafeInJson, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
