import { expect, test } from 'vitest';
import { readCall } from './run.ts';

test.each([
  ['control-plane --name dev', { name: 'dev' }],
  ['agent --name dev --node 2', { name: 'dev', node: 2 }],
  ['agent --node=1 --name=dev', { name: 'dev', node: 1 }],
])('%s is understood', (line, call) => {
  expect(readCall(line.split(' '))).toEqual(call);
});

test.each([
  'control-plane',
  'agent --name dev',
  'agent --name dev --node x',
  'control-plane --name dev --node 1',
  'scheduler --name dev',
  'control-plane agent --name dev',
  'control-plane --name dev --verbose',
])('%s is refused', (line) => {
  expect(readCall(line.split(' '))).toBeUndefined();
});
