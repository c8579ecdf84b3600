import { expect, test } from 'vitest';
import type { corev1, storagev1 } from '../../../api/index.ts';
import { CycleState } from '../../framework/index.ts';
import { testHandle } from '../../testdata/handle.ts';
import { makeNode, makePod } from '../../testdata/objects.ts';
import { volumeBinding } from './volume-binding.ts';

const meta = (name: string): { name: string; namespace: string; uid: string } => ({ name, namespace: 'default', uid: `uid-${name}` });

const claim = (name: string, spec: corev1.PersistentVolumeClaimSpec = {}, isBound = false): corev1.PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { ...meta(name), ...(isBound && { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }) } as never,
  spec: { storageClassName: 'slow', resources: { requests: { storage: '1Gi' } }, ...spec },
  status: {},
});

const volume = (name: string, zone: string): corev1.PersistentVolume =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, uid: `uid-${name}` },
    spec: {
      capacity: { storage: '1Gi' },
      storageClassName: 'slow',
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] }] } },
    },
    status: {},
  }) as unknown as corev1.PersistentVolume;

const storageClass = (name: string, provisioner: string, volumeBindingMode: string): storagev1.StorageClass =>
  ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner,
    volumeBindingMode,
  }) as unknown as storagev1.StorageClass;

/** What a pod with the claims is advised: as such, and for a node in zone b. */
function advice(...claims: readonly corev1.PersistentVolumeClaim[]): { readonly pod: readonly string[]; readonly node: readonly string[] } {
  const handle = testHandle();
  const { listers, cluster } = handle;
  listers.persistentVolumeClaims.put(...claims);
  listers.persistentVolumes.put(volume('pv-1', 'a'));
  listers.storageClasses.put(
    storageClass('slow', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer'),
    storageClass('soon', 'example.com/disks', 'Immediate'),
  );
  const node = { ...makeNode('n'), metadata: { ...makeNode('n').metadata, labels: { zone: 'b' } } };
  cluster.setNode(node);
  const volumes = claims.map(({ metadata: { name } }) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const pod = cluster.podInfo(makePod('p', {}, { volumes }));
  const plugin = volumeBinding.create({ bindTimeoutSeconds: 600 }, handle);
  const state = new CycleState();
  plugin.preFilter?.(state, pod);
  return { pod: plugin.explainPreFilter?.(pod) ?? [], node: plugin.explain?.(state, pod, cluster.node('n')!) ?? [] };
}

test('a claim that nobody has bound is named, with who should', () => {
  expect(advice(claim('data', { storageClassName: 'soon' })).pod).toEqual([
    'bind claim default/data: example.com/disks has not made its volume',
  ]);
  expect(advice(claim('data', { storageClassName: '' })).pod).toEqual([
    'bind claim default/data: create a volume without a class that it can have',
  ]);
  expect(advice(claim('data', { storageClassName: 'none' })).pod).toEqual([
    'create storage class none, or a volume of it, for claim default/data',
  ]);
});

test('a volume that the node does not reach says where it is', () => {
  expect(advice(claim('data', { volumeName: 'pv-1' }, true)).node).toEqual([
    'use a node that reaches volume pv-1 of claim default/data: zone In (a)',
  ]);
  expect(advice(claim('data', { volumeName: 'lost' }, true)).node).toEqual(['restore volume lost of claim default/data']);
});

test('a claim that waits for its pod says what the node lacks', () => {
  expect(advice(claim('data')).node).toEqual(['create a volume of class slow for claim default/data that node n reaches']);
});
