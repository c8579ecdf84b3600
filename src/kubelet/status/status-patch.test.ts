import { expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { testPod } from '../pods/testing.ts';
import { sameJson, statusPatch } from './status-patch.ts';

function stored(status: corev1.PodStatus): corev1.Pod {
  return { ...testPod(), status };
}

it('says nothing when the stored status says the same', () => {
  const status: corev1.PodStatus = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  };
  expect(statusPatch(stored(status), { ...status })).toBeUndefined();
});

it('names what changed and what is gone, guarded by the uid', () => {
  expect(statusPatch(stored({ phase: 'Pending', message: 'old' }), { phase: 'Running' })).toEqual({
    metadata: { uid: 'uid-1' },
    status: { phase: 'Running', message: null },
  });
});

it('replaces lists that a merge would add to', () => {
  const patch = statusPatch(stored({ podIPs: [{ ip: '10.0.0.1' }] }), { podIPs: [{ ip: '10.0.0.2' }] });
  expect(patch).toMatchObject({ status: { podIPs: [{ $patch: 'replace' }, { ip: '10.0.0.2' }] } });
});

it('writes only changed conditions of its own, and clears their old reasons', () => {
  const patch = statusPatch(
    stored({
      conditions: [
        { type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'x' },
        { type: 'Initialized', status: 'True' },
        { type: 'example.com/gate', status: 'False' },
      ],
    }),
    {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'Initialized', status: 'True' },
        { type: 'example.com/gate', status: 'True' },
      ],
    },
  );
  expect(patch).toMatchObject({ status: { conditions: [{ type: 'Ready', status: 'True', reason: null, message: null }] } });
});

it('takes back conditions that only hold for a while', () => {
  const patch = statusPatch(stored({ conditions: [{ type: 'PodResizePending', status: 'True' }] }), { conditions: [] });
  expect(patch).toMatchObject({ status: { conditions: [{ type: 'PodResizePending', $patch: 'delete' }] } });
});

it('leaves the fields of other owners alone', () => {
  expect(statusPatch(stored({ nominatedNodeName: 'n2' }), {})).toBeUndefined();
});

it('compares JSON, not the order of fields nor empty ones', () => {
  const rows: readonly (readonly [a: unknown, b: unknown, same: boolean])[] = [
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: [] }, {}, true],
    [{ a: {} }, { a: undefined }, true],
    [[1, 2], [2, 1], false],
    ['1', 1, false],
    [null, undefined, true],
    [{ a: 0 }, {}, false],
  ];
  for (const [a, b, same] of rows) expect([a, b, sameJson(a, b)]).toEqual([a, b, same]);
});
