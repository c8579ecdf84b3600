import { describe, expect, it } from 'vitest';
import { formatFence, parseFence } from './fencing.ts';

describe('a fence as a header', () => {
  for (const fence of [
    { lease: 'kube-system/kube-scheduler', holder: 'host_7a;b c', transitions: 3 },
    { lease: 'a/b', holder: 'ü', transitions: 0 },
  ]) {
    it(`is read as it was written: ${fence.holder}`, () => expect(parseFence(formatFence(fence))).toEqual(fence));
  }
  for (const text of ['', 'a', 'a;b', 'a;b;c', 'a;b;-1', '%;b;1', 'a;b;1;2']) {
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseFence(text)).toBeUndefined());
  }
});
