/** Trees as YAML in its own forms: blocks, anchors, tags, several documents. Correct as long as nobody asks for oddities. */
import type { Dice } from './dice.ts';

const oddities: readonly ((text: string) => string)[] = [
  (text) => `--- # comment\n${text}`,
  (text) => `${text}---\na: b\n`,
  (text) => `%YAML 1.2\n---\n${text}...\n`,
  (text) => `${text}"z": &a [*a, *a]\n`,
  (text) => `${text}"z": *nobody\n`,
  (text) =>
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replace(/./g, (name, at: number) => `${name}: &${name} [${`*${'abcdefgh'[at]},`.repeat(9)}]\n`)}${text}`,
  (text) => `${text}"z": !!js/function 'function () {}'\n`,
  (text) => `${text}"z": !!binary AAAA\n`,
  (text) => `"<<": {"__proto__": {"x": "y"}}\n${text}`,
  (text) => `<<: &m {labels: x}\n${text}`,
  (text) => `${text}? {a: b}\n: c\n`,
  (text) => `${text}\t"z": 1\n`,
  (text) => `${text}"z": ${'- '.repeat(500)}1\n`,
  (text) => `${text}"z": ${'['.repeat(5_000)}\n`,
  (text) => `${text}"z": |\n  ${'x\n  '.repeat(200)}\n`,
  (text) => `${text}"z": 2026-01-01\n"y": 0o17\n"x": 1_000\n"w": .inf\n`,
];

export function yamlOf(tree: unknown, dice?: Dice): string {
  const text = `${block(tree, '').replace(/^\n/, '')}\n`;
  return dice?.chance(0.15) ? dice.pick(oddities)(text) : text;
}

function block(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return ` ${JSON.stringify(value) ?? 'null'}`;
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []';
    return value.map((item) => `\n${indent}-${block(item, `${indent}  `)}`).join('');
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return ' {}';
  return entries.map(([key, inner]) => `\n${indent}${JSON.stringify(key)}:${block(inner, `${indent}  `)}`).join('');
}
