import { expect, test } from 'vitest';
import type { NodeRecord } from '../cluster-record.ts';
import { addressBlock } from '../network/address-block.ts';
import { maxNodes, nodeNameFault, withNode, withNodeCount } from './node-plan.ts';

const cluster = (...nodes: readonly (readonly [string, number])[]) => ({
  name: 'dev',
  network: addressBlock(0),
  nodes: nodes.map(([name, index]): NodeRecord => ({ name, index, ip: `10.200.0.${10 + index}` })),
});
const told = (nodes: readonly NodeRecord[]): string => nodes.map(({ name, index, ip }) => `${index} ${name} ${ip}`).join('; ');

test('a new cluster has one node unless more are wanted', () => {
  expect(told(withNodeCount(cluster(), undefined))).toBe('1 dev-1 10.200.0.11');
  expect(told(withNodeCount(cluster(), 3))).toBe('1 dev-1 10.200.0.11; 2 dev-2 10.200.0.12; 3 dev-3 10.200.0.13');
});

test('a cluster grows, and stays as it is when nothing is said', () => {
  const two = cluster(['dev-1', 1], ['dev-2', 2]);
  expect(told(withNodeCount(two, undefined))).toBe(told(two.nodes));
  expect(told(withNodeCount(two, 2))).toBe(told(two.nodes));
  expect(told(withNodeCount(two, 3))).toBe(`${told(two.nodes)}; 3 dev-3 10.200.0.13`);
});

test('it does not shrink by itself', () => {
  expect(() => withNodeCount(cluster(['dev-1', 1], ['dev-2', 2], ['big', 3]), 2)).toThrow(
    'cluster "dev" has 3 nodes (dev-1, dev-2, big), which is more than 2; say which one goes: knarr node delete NODE --name dev',
  );
});

test.each([
  ['the lowest number that is free', cluster(['dev-1', 1], ['dev-3', 3]), undefined, '2 dev-2 10.200.0.12'],
  ['also the first one', cluster(['dev-2', 2]), undefined, '1 dev-1 10.200.0.11'],
  ['a name of its own', cluster(['dev-1', 1]), 'big', '2 big 10.200.0.12'],
  ['not a number whose name somebody has', cluster(['dev-2', 1]), undefined, '3 dev-3 10.200.0.13'],
  ['a number under another name', cluster(['dev-1', 1], ['dev-2', 3]), 'dev-9', '2 dev-9 10.200.0.12'],
])('a node that is added takes %s', (_, members, name, expected) => {
  const before = new Set(members.nodes);
  expect(told(withNode(members, name).filter((node) => !before.has(node)))).toBe(expected);
});

test('a name twice, and a node too many, are refused', () => {
  expect(() => withNode(cluster(['big', 1]), 'big')).toThrow('cluster "dev" has a node "big" already');
  const full = cluster(...Array.from({ length: maxNodes }, (_, at) => [`dev-${at + 1}`, at + 1] as const));
  expect(() => withNode(full)).toThrow('at most 200 nodes');
});

test.each([
  ['worker', true],
  ['a', true],
  ['node-2.example', false],
  ['Worker', false],
  ['-a', false],
  ['a-', false],
  ['', false],
  ['a b', false],
  ["a';reboot", false],
  ['../../etc', false],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
])('the name %j is good: %s', (name, good) => {
  expect(nodeNameFault(name) === undefined).toBe(good);
});
