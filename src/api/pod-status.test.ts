import { expect, test } from 'vitest';
import { getCondition, isConditionTrue, setCondition } from './conditions.ts';
import { controllerOf, isControlledBy, newControllerRef } from './owner-references.ts';
import { isPodAvailable, isPodReady, isPodTerminal } from './pod-status.ts';

test('a condition keeps its transition time while its status stays', () => {
  const first = setCondition(undefined, { type: 'Ready', status: 'False', lastTransitionTime: 't1', reason: 'a' });
  const same = setCondition(first, { type: 'Ready', status: 'False', lastTransitionTime: 't2', reason: 'b' });
  expect(same).toEqual([{ type: 'Ready', status: 'False', lastTransitionTime: 't1', reason: 'b' }]);
  const changed = setCondition(same, { type: 'Ready', status: 'True', lastTransitionTime: 't3', reason: 'c' });
  expect(getCondition(changed, 'Ready')?.lastTransitionTime).toBe('t3');
  expect(isConditionTrue(changed, 'Ready')).toBe(true);
  expect(first).toHaveLength(1);
});

test('a pod is available when it has been ready long enough', () => {
  const pod = { status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] } };
  const at = (seconds: number): number => Date.parse('2026-01-01T00:00:00Z') + seconds * 1000;
  expect(isPodReady(pod)).toBe(true);
  expect(isPodAvailable(pod, { minReadySeconds: 10, nowMs: at(9) })).toBe(false);
  expect(isPodAvailable(pod, { minReadySeconds: 10, nowMs: at(10) })).toBe(true);
  expect(isPodAvailable({ status: {} }, { minReadySeconds: 0, nowMs: 0 })).toBe(false);
  expect([isPodTerminal({ status: { phase: 'Failed' } }), isPodTerminal({ status: { phase: 'Running' } })]).toEqual([true, false]);
});

test('the controller of an object', () => {
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'r', uid: 'u', creationTimestamp: '', resourceVersion: '' },
  };
  const reference = newControllerRef(owner);
  const child = { metadata: { ownerReferences: [{ ...reference, uid: 'x', controller: false }, reference] } };
  expect(controllerOf(child)).toEqual({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: 'r',
    uid: 'u',
    controller: true,
    blockOwnerDeletion: true,
  });
  expect(isControlledBy(child, owner)).toBe(true);
  expect(isControlledBy({ metadata: {} }, owner)).toBe(false);
});
