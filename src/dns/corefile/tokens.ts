/** A Corefile as words in lines. Comments go, quotes are taken off, `{` and `}` stand alone. @source Caddyfile's lexer, as CoreDNS uses it */
import { CorefileFault } from './corefile-fault.ts';

export interface Word {
  readonly text: string;
  /** Written in quotes: never a brace or a comment. */
  readonly quoted: boolean;
}

export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly words: readonly Word[];
}

/** Longest Corefile that is read: a ConfigMap's size. */
const maxBytes = 1 << 20;

/** @throws CorefileFault for a quote without an end */
export function corefileLines(text: string): Line[] {
  if (text.length > maxBytes) throw new CorefileFault(1, `longer than ${maxBytes} bytes`);
  const lines: Line[] = [];
  let number = 1;
  let startedAt = 1;
  let words: Word[] = [];
  let at = 0;
  const finish = (): void => {
    if (words.length > 0) lines.push({ number: startedAt, words });
    words = [];
  };
  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n') {
      finish();
      number++;
      at++;
    } else if (/\s/.test(char)) at++;
    else if (char === '#') at = endOf(text, '\n', at);
    else {
      if (words.length === 0) startedAt = number;
      const word = char === '"' ? quotedWord(text, at, number) : plainWord(text, at);
      if (!word.quoted && /\{[$%]/.test(word.text)) {
        throw new CorefileFault(number, `environment variables such as "${word.text}" are not supported`);
      }
      words.push({ text: word.text, quoted: word.quoted });
      number += text.slice(at, word.end).split('\n').length - 1;
      at = word.end;
    }
  }
  finish();
  return lines;
}

interface ReadWord extends Word {
  readonly end: number;
}

function plainWord(text: string, from: number): ReadWord {
  let end = from;
  while (end < text.length && !/\s/.test(text[end]!)) end++;
  return { text: text.slice(from, end), quoted: false, end };
}

function quotedWord(text: string, from: number, line: number): ReadWord {
  let word = '';
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '"') return { text: word, quoted: true, end: at + 1 };
    // Only quotes are escaped, so that patterns keep their backslashes.
    if (text[at] === '\\' && text[at + 1] === '"') at++;
    word += text[at];
  }
  throw new CorefileFault(line, 'a quote has no end');
}

function endOf(text: string, char: string, from: number): number {
  const end = text.indexOf(char, from);
  return end < 0 ? text.length : end;
}
