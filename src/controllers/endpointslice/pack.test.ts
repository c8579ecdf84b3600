import { describe, expect, it } from 'vitest';
import type { discoveryv1 } from '../../api/index.ts';
import { type EndpointGroup, formatSlicePlan, packSlices, type SlicePlan } from './pack.ts';

const ports = [{ name: 'web', port: 80, protocol: 'TCP' }];

const endpoint = (name: string, ready = true): discoveryv1.Endpoint => ({
  addresses: [`ip-${name}`],
  conditions: { ready },
  targetRef: { name },
});

/** `s1: a b c` */
function slice(text: string, own: EndpointGroup['ports'] = ports): discoveryv1.EndpointSlice {
  const [name = '', list = ''] = text.split(':');
  const endpoints = list
    .split(' ')
    .filter(Boolean)
    .map((each) => endpoint(each));
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: '' };
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports: own, endpoints };
}

function pack(existing: discoveryv1.EndpointSlice[], wanted: string, changes: Partial<Parameters<typeof packSlices>[0]> = {}): SlicePlan {
  const endpoints = wanted
    .split(' ')
    .filter(Boolean)
    .map((each) => endpoint(each.replace('!', ''), !each.endsWith('!')));
  const groups = endpoints.length > 0 ? [{ ports, endpoints }] : [];
  return packSlices({ existing, groups, maxPerSlice: 3, isOutdated: () => false, ...changes });
}

const check = (name: string, existing: string[], wanted: string, expected: string[]): void =>
  it(name, () =>
    expect(
      formatSlicePlan(
        pack(
          existing.map((text) => slice(text)),
          wanted,
        ),
      ).split('\n'),
    ).toEqual(expected),
  );

describe('endpoints in slices', () => {
  check('fill new slices', [], 'a b c d', ['create with 3', 'create with 1']);
  check('stay where they are', ['s1: a b', 's2: c'], 'c a b', ['nothing']);
  check('go into a slice with room', ['s1: a b', 's2: c'], 'a b c d', ['update s1 to 3']);
  check('go where all of them fit', ['s1: a b', 's2: c'], 'a b c d e', ['update s2 to 3']);
  check('go into slices that change anyway', ['s1: a b c', 's2: d'], 'a b d e', ['update s1 to 3']);
  check('change in place', ['s1: a b'], 'a b!', ['update s1 to 2']);
  check('leave no empty slice', ['s1: a b c', 's2: d'], 'a b c', ['remove s2']);
  check('that are all gone leave one empty slice', ['s1: a'], '', ['create with 0', 'remove s1']);
  check('are refilled where all were replaced', ['s1: a'], 'b', ['update s1 to 1']);
  check('beyond one slice are created', ['s1: a b c'], 'a b c d', ['create with 1']);

  it('of none keep one empty slice', () => {
    const empty = slice('s0', []);
    expect(formatSlicePlan(pack([empty], ''))).toBe('nothing');
    expect(formatSlicePlan(pack([], ''))).toBe('create with 0');
    expect(formatSlicePlan(pack([empty], 'a'))).toBe('create with 1\nremove s0');
  });

  it('move when their ports change', () => {
    const plan = pack([slice('s1: a', [{ name: 'web', port: 81, protocol: 'TCP' }])], 'a');
    expect(formatSlicePlan(plan)).toBe('create with 1\nremove s1');
  });

  it('are written again when labels are outdated', () => {
    expect(formatSlicePlan(pack([slice('s1: a')], 'a', { isOutdated: () => true }))).toBe('update s1 to 1');
  });
});
