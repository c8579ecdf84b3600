/** For the tests of pod validation: a good pod, one field changed at a time, and exactly these faults. */
import { expect } from 'vitest';
import { create, definitionOf, type Manifest, withField } from '../../strategy.suite.ts';

const pods = definitionOf('pods');
export const goodPod: Manifest = { metadata: { name: 'p', namespace: 'b' }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };

export type Row = readonly [path: string, value: unknown, expected: readonly (string | RegExp)[]];

/** Sets one field of a good pod, and looks for exactly these faults. */
export function check([path, value, expected]: Row, pod: Manifest = goodPod): void {
  const { faults } = create(pods, withField(pod, path, value));
  expect(faults).toHaveLength(expected.length);
  expected.forEach((one, i) => (typeof one === 'string' ? expect(faults[i]).toBe(one) : expect(faults[i]).toMatch(one)));
}

/** Rows with their names, for `test.each`. */
export function rows(list: readonly Row[]): [string, Row][] {
  return list.map((row) => [`${row[0]} = ${JSON.stringify(row[1])}`, row]);
}
