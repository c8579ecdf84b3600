import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { TriggerTimes } from './trigger-times.ts';

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`;
const service = { metadata: { name: 'web', namespace: 'ns', creationTimestamp: at(10) } } as corev1.Service;
const pod = (uid: string, readySecond: number): corev1.Pod =>
  ({
    metadata: { uid, creationTimestamp: at(0) },
    status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at(readySecond) }] },
  }) as unknown as corev1.Pod;

describe('the trigger time', () => {
  it('is the earliest of the changes since the last look', () => {
    const times = new TriggerTimes();
    expect(times.next(service, [pod('a', 12)])).toBe(at(10));
    expect(times.next(service, [pod('a', 12)])).toBeUndefined();
    expect(times.next(service, [pod('a', 20), pod('b', 15)])).toBe(at(15));
    expect(times.next(service, [pod('a', 30), pod('b', 15)])).toBe(at(30));
    expect(times.next(service, [])).toBeUndefined();
    expect(times.sizeOf('ns/web')).toBe(0);
  });
});
