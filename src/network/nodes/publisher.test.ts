import { expect, test } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { annotationChanges, publishedAnnotations } from './annotations.ts';
import { conditionChange } from './publisher.ts';

const node = (condition?: object): corev1.Node =>
  ({
    metadata: { name: 'a' },
    status: { conditions: [{ type: 'Ready', status: 'False' }, ...(condition ? [{ type: 'NetworkUnavailable', ...condition }] : [])] },
  }) as unknown as corev1.Node;
const up = { status: 'False', reason: 'PodNetworkIsUp', message: 'up' } as const;
const [before, now] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];

test.each([
  ['a node that has none', undefined, now],
  ['another status', { status: 'True', reason: 'PodNetworkFailed', message: 'x', lastTransitionTime: before }, now],
  ['the same status for another reason', { status: 'False', reason: 'Else', message: 'up', lastTransitionTime: before }, before],
  ['the same status with another message', { status: 'False', reason: 'PodNetworkIsUp', message: 'x', lastTransitionTime: before }, before],
])('the condition is written over %s', (_, has, lastTransitionTime) => {
  expect(conditionChange(node(has), up, now)).toEqual({ type: 'NetworkUnavailable', ...up, lastHeartbeatTime: now, lastTransitionTime });
});

test('a condition that says the same is left alone', () => {
  expect(conditionChange(node({ ...up, lastTransitionTime: before, lastHeartbeatTime: before }), up, now)).toBeUndefined();
});

test('what a node says of itself is what flannel says, and what it has not it takes back', () => {
  const data = { VNI: 1, VtepMAC: '0a:00:00:00:00:01' };
  const wanted = publishedAnnotations('vxlan', [{ family: 'IPv4', publicIp: '192.0.2.1', data }]);
  expect(wanted).toEqual({
    'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
    'flannel.alpha.coreos.com/backend-type': 'vxlan',
    'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"0a:00:00:00:00:01"}',
    'flannel.alpha.coreos.com/public-ip': '192.0.2.1',
    'flannel.alpha.coreos.com/backend-v6-data': null,
    'flannel.alpha.coreos.com/public-ipv6': null,
  });
  expect(publishedAnnotations('host-gw', [{ family: 'IPv6', publicIp: '2001:db8::1', data: null }])).toMatchObject({
    'flannel.alpha.coreos.com/backend-data': null,
    'flannel.alpha.coreos.com/backend-v6-data': 'null',
    'flannel.alpha.coreos.com/public-ipv6': '2001:db8::1',
  });
  const said = Object.fromEntries(Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== null));
  expect(annotationChanges(said, wanted)).toBeUndefined();
  const stale = {
    ...said,
    'flannel.alpha.coreos.com/public-ipv6': '2001:db8::9',
    'flannel.alpha.coreos.com/public-ip': '192.0.2.9',
    mine: 'x',
  };
  expect(annotationChanges(stale, wanted)).toEqual({
    'flannel.alpha.coreos.com/public-ipv6': null,
    'flannel.alpha.coreos.com/public-ip': '192.0.2.1',
  });
});
