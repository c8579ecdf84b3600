/** The form of a Corefile: server blocks of directives, with snippets put in where they are imported. What directives mean is not known here. */
import { CorefileFault } from './corefile-fault.ts';
import { corefileLines, type Line, type Word } from './tokens.ts';

/** One line inside a directive's braces. */
export interface Property {
  readonly line: number;
  readonly name: string;
  readonly args: readonly string[];
}

export interface Directive {
  readonly line: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly block: readonly Property[];
}

export interface ServerBlock {
  readonly line: number;
  /** What it serves, as written: `.:53`, `example.org`, `dns://example.org:1053`. */
  readonly keys: readonly string[];
  readonly directives: readonly Directive[];
}

/** Snippets that import each other are put in this deep. */
const maxImportDepth = 16;
const maxDirectives = 10_000;

/** @throws CorefileFault */
export function parseCorefile(text: string): ServerBlock[] {
  const reader = new Reader(corefileLines(text));
  const raw: { readonly line: number; readonly keys: string[]; readonly directives: Directive[] }[] = [];
  for (let line = reader.next(); line; line = reader.next()) raw.push(readBlock(line, reader));
  const snippets = new Map<string, readonly Directive[]>();
  const blocks: ServerBlock[] = [];
  let left = maxDirectives;
  for (const { line, keys, directives } of raw) {
    const put = expand(directives, snippets, 0);
    left -= put.length;
    if (left < 0) throw new CorefileFault(line, `more than ${maxDirectives} directives`);
    const snippet = keys.length === 1 ? /^\((.+)\)$/.exec(keys[0]!)?.[1] : undefined;
    if (snippet === undefined) blocks.push({ line, keys, directives: put });
    else if (snippets.has(snippet)) throw new CorefileFault(line, `redeclaration of previously declared snippet ${snippet}`);
    else snippets.set(snippet, put);
  }
  return blocks;
}

class Reader {
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  next(): Line | undefined {
    return this.#lines[this.#at++];
  }

  get lastLine(): number {
    return this.#lines.at(-1)?.number ?? 1;
  }
}

const isBrace = (word: Word | undefined, brace: '{' | '}'): boolean => word !== undefined && !word.quoted && word.text === brace;

function readBlock(first: Line, reader: Reader): { line: number; keys: string[]; directives: Directive[] } {
  const keys: string[] = [];
  let line: Line | undefined = first;
  for (;;) {
    if (!line) throw new CorefileFault(first.number, `"${keys.join(' ')}" has no "{" after it`);
    const opens = isBrace(line.words.at(-1), '{');
    for (const { text } of opens ? line.words.slice(0, -1) : line.words) {
      if (text === '{' || text === '}') throw new CorefileFault(line.number, `unexpected "${text}"`);
      keys.push(...text.split(',').filter((key) => key !== ''));
    }
    if (opens) break;
    if (line.words[0]?.text === 'import') throw new CorefileFault(line.number, 'import outside of a server block is not supported');
    // The list of what a block serves goes on after a comma only.
    if (!line.words.at(-1)?.text.endsWith(',')) throw new CorefileFault(line.number, `"${keys.join(' ')}" has no "{" after it`);
    line = reader.next();
  }
  if (keys.length === 0) throw new CorefileFault(first.number, 'a server block needs a zone before its "{"');
  return { line: first.number, keys, directives: readDirectives(first, reader) };
}

function readDirectives(opened: Line, reader: Reader): Directive[] {
  const directives: Directive[] = [];
  for (let line = reader.next(); line; line = reader.next()) {
    if (isBrace(line.words[0], '}')) {
      if (line.words.length > 1) throw new CorefileFault(line.number, `unexpected "${line.words[1]!.text}" after "}"`);
      return directives;
    }
    const opens = isBrace(line.words.at(-1), '{');
    const words = opens ? line.words.slice(0, -1) : line.words;
    const [name, ...args] = words.map(({ text }) => text);
    if (name === undefined) throw new CorefileFault(line.number, 'unexpected "{"');
    directives.push({ line: line.number, name, args, block: opens ? readProperties(line, reader) : [] });
  }
  throw new CorefileFault(opened.number, 'a "{" has no "}"');
}

function readProperties(opened: Line, reader: Reader): Property[] {
  const properties: Property[] = [];
  for (let line = reader.next(); line; line = reader.next()) {
    if (isBrace(line.words[0], '}')) {
      if (line.words.length > 1) throw new CorefileFault(line.number, `unexpected "${line.words[1]!.text}" after "}"`);
      return properties;
    }
    if (isBrace(line.words.at(-1), '{')) throw new CorefileFault(line.number, 'unexpected "{"');
    const [name = '', ...args] = line.words.map(({ text }) => text);
    properties.push({ line: line.number, name, args });
  }
  throw new CorefileFault(opened.number, 'a "{" has no "}"');
}

function expand(directives: readonly Directive[], snippets: ReadonlyMap<string, readonly Directive[]>, depth: number): Directive[] {
  return directives.flatMap((directive) => {
    if (directive.name !== 'import') return [directive];
    const [name] = directive.args;
    if (name === undefined || directive.args.length > 1) throw new CorefileFault(directive.line, 'import takes the name of a snippet');
    const snippet = snippets.get(name);
    if (!snippet) {
      throw new CorefileFault(directive.line, `no snippet (${name}) is declared before; import of files is not supported`);
    }
    if (depth >= maxImportDepth) throw new CorefileFault(directive.line, `snippets are imported more than ${maxImportDepth} deep`);
    return expand(snippet, snippets, depth + 1);
  });
}
