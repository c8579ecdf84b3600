import { describe, expect, it } from 'vitest';
import { JsonLines } from './json-lines.ts';

describe('JSON lines', () => {
  const text = '{"a":1}\n{"b":"ü…"}\n\n{"c":[]}\n';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    it(`are the same in chunks of ${size}`, () => {
      const lines = new JsonLines();
      const found: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) found.push(...lines.push(bytes.subarray(at, at + size)));
      expect(found).toEqual([{ a: 1 }, { b: 'ü…' }, { c: [] }]);
    });
  }

  it('that are not JSON are an error', () => {
    expect(() => new JsonLines().push(new TextEncoder().encode('{]\n'))).toThrow(SyntaxError);
  });
});
