/** House rules that a program can check. Each rule names the files that break it; the list grows when a remark would be made twice. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

interface SourceFile {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
}

/** A rule: what it finds wrong, one line each. */
type Rule = (files: readonly SourceFile[]) => string[];

const maxLines = 600;
const forbiddenNames = /\/(utils?|helpers?|common|misc|types)\.ts$/;

const rules: Readonly<Record<string, Rule>> = {
  'no grab-bag of a file': (files) =>
    files.filter(({ path }) => forbiddenNames.test(path) && !path.startsWith('tools/generate')).map(({ path }) => path),
  [`no file over ${maxLines} lines`]: (files) => files.filter(({ text }) => text.split('\n').length > maxLines).map(({ path }) => path),
  'every file opens with what it is': (files) =>
    files.filter(({ text, path }) => !path.endsWith('.test.ts') && !/^(#!.*\n)?\/\*\*/.test(text)).map(({ path }) => path),
  'no unfinished marks': (files) =>
    files.flatMap(({ path, text }) => (/\b(TODO|FIXME|XXX)\b/.test(text) && path !== 'tools/tidy.ts' ? [path] : [])),
  'a gap in the code has a row in docs/gaps.md, and the other way round': gapsAgree,
  'ARCHITECTURE.md names only paths that exist': pathsExist,
};

function gapsAgree(files: readonly SourceFile[]): string[] {
  const inCode = new Set(files.flatMap(({ text }) => [...text.matchAll(/GAP\(([a-z0-9-]+)\)/g)].map((match) => match[1]!)));
  const page = existsSync(join(root, 'docs/gaps.md')) ? readFileSync(join(root, 'docs/gaps.md'), 'utf8') : '';
  const inDocs = new Set([...page.matchAll(/^\| `([a-z0-9-]+)` \|.*\| code \|/gm)].map((match) => match[1]!));
  return [
    ...[...inCode].filter((id) => !page.includes(`| \`${id}\` |`)).map((id) => `${id}: no row in docs/gaps.md`),
    ...[...inDocs].filter((id) => !inCode.has(id)).map((id) => `${id}: no GAP mark in the code`),
  ];
}

function pathsExist(): string[] {
  const page = existsSync(join(root, 'ARCHITECTURE.md')) ? readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8') : '';
  const named = [...page.matchAll(/`((?:src|test|tools|docs|bin|bench|examples)\/[\w./-]*)`/g)].map((match) => match[1]!);
  return named.filter((path) => !existsSync(join(root, path)));
}

function readSources(): SourceFile[] {
  return ['src', 'test', 'tools', 'bench'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.startsWith('api/gen/') && !path.startsWith('api/schema/gen/'))
      .map((path) => ({ path: `${top}/${path}`, text: readFileSync(join(root, top, path), 'utf8') })),
  );
}

const files = readSources();
for (const [rule, check] of Object.entries(rules)) {
  for (const breach of check(files)) {
    console.error(`${rule}: ${breach}`);
    process.exitCode = 1;
  }
}
