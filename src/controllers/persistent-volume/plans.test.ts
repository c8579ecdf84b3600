import { describe, expect, it } from 'vitest';
import type { corev1, storagev1 } from '../../api/index.ts';
import { claimForProvisioner, claimBoundTo, statusWithoutVolume, statusWithVolume, volumeUnbound } from './bindings.ts';
import { type ClaimPlan, type ClaimWorld, planClaim } from './claim-plan.ts';
import { isReleased, planReclaim, planVolume, type VolumePlan } from './volume-plan.ts';

type Volume = corev1.PersistentVolume;
type Claim = corev1.PersistentVolumeClaim;

const yes = 'yes';
const completed = { 'pv.kubernetes.io/bind-completed': yes };
const byController = { 'pv.kubernetes.io/bound-by-controller': yes };

function claim(spec: object = {}, metadata: object = {}, status: object = { phase: 'Pending' }): Claim {
  return {
    metadata: { namespace: 'ns', name: 'data', uid: 'c1', ...metadata },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'manual', ...spec },
    status,
  } as unknown as Claim;
}

function volume(name: string, spec: object = {}, metadata: object = {}, phase = 'Available'): Volume {
  return {
    metadata: { name, uid: name, ...metadata },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'manual', ...spec },
    status: { phase },
  } as unknown as Volume;
}

const ours = { claimRef: { namespace: 'ns', name: 'data', uid: 'c1' } };
const theirs = { claimRef: { namespace: 'ns', name: 'other', uid: 'c2' } };
const late = { provisioner: 'example.com/disk', volumeBindingMode: 'WaitForFirstConsumer' } as storagev1.StorageClass;
const atOnce = { provisioner: 'example.com/disk', volumeBindingMode: 'Immediate' } as storagev1.StorageClass;

function planned(world: Partial<ClaimWorld> & { readonly claim: Claim }): string {
  const nothing = { named: undefined, candidates: [], taken: new Set<string>(), storageClass: undefined, defaultClass: undefined };
  return text(planClaim({ ...nothing, waitingPods: [], ...world }));
}

function text(plan: ClaimPlan | VolumePlan): string {
  switch (plan.type) {
    case 'bind':
      return `bind ${plan.volume.metadata.name}`;
    case 'setClass':
      return `set class ${plan.className}`;
    case 'provision':
      return `provision by ${plan.provisioner}`;
    case 'wait':
    case 'tell':
    case 'lose':
      return plan.event ? `${plan.type}, ${plan.event.reason}: ${plan.event.message}` : plan.type;
    case 'setPhase':
      return `set ${plan.phase}`;
    default:
      return plan.type;
  }
}

describe('a claim that is not bound', () => {
  const rows: readonly [string, Partial<ClaimWorld> & { readonly claim: Claim }, string][] = [
    ['takes what suits it', { claim: claim(), candidates: [volume('a')] }, 'bind a'],
    ['takes the smallest', { claim: claim(), candidates: [volume('a', { capacity: { storage: '2Gi' } }), volume('b')] }, 'bind b'],
    [
      'takes what offers the fewest other modes, though it is larger',
      {
        claim: claim(),
        candidates: [volume('a', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }), volume('b', { capacity: { storage: '9Gi' } })],
      },
      'bind b',
    ],
    [
      'leaves what another is about to get',
      { claim: claim(), candidates: [volume('a')], taken: new Set(['a']) },
      'tell, ProvisioningFailed: storageclass.storage.k8s.io "manual" not found',
    ],
    [
      'leaves what is not available yet',
      { claim: claim({ storageClassName: '' }), candidates: [volume('a', { storageClassName: '' }, {}, 'Pending')] },
      'wait, FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ],
    [
      'leaves what is going',
      { claim: claim({ storageClassName: '' }), candidates: [volume('a', { storageClassName: '' }, { deletionTimestamp: 'now' })] },
      'wait, FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ],
    [
      'minds its selector',
      {
        claim: claim({ selector: { matchLabels: { disk: 'ssd' } } }),
        candidates: [volume('a'), volume('b', {}, { labels: { disk: 'ssd' } })],
      },
      'bind b',
    ],
    [
      'minds its class of attributes',
      {
        claim: claim({ volumeAttributesClassName: 'gold' }),
        candidates: [volume('a'), volume('b', { volumeAttributesClassName: 'gold' })],
      },
      'bind b',
    ],
    [
      'takes what is kept for it, whatever the class',
      {
        claim: claim(),
        candidates: [volume('b'), volume('a', { claimRef: { namespace: 'ns', name: 'data' }, storageClassName: 'other' })],
      },
      'bind a',
    ],
    ['gets the default class', { claim: claim({ storageClassName: undefined }), defaultClass: 'standard' }, 'set class standard'],
    [
      'keeps the choice of no class',
      { claim: claim({ storageClassName: '' }), defaultClass: 'standard' },
      'wait, FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ],
    ['has a volume made', { claim: claim(), storageClass: atOnce }, 'provision by example.com/disk'],
    [
      'waits for its first pod',
      { claim: claim(), storageClass: late, candidates: [volume('a')] },
      'wait, WaitForFirstConsumer: waiting for first consumer to be created before binding',
    ],
    [
      'waits for its pod to be placed',
      { claim: claim(), storageClass: late, waitingPods: ['web'] },
      'wait, WaitForPodScheduled: waiting for pod web to be scheduled',
    ],
    [
      'waits for its pods to be placed',
      { claim: claim(), storageClass: late, waitingPods: ['a', 'b'] },
      'wait, WaitForPodScheduled: waiting for pods a,b to be scheduled',
    ],
    ['is bound late to what is kept for it', { claim: claim(), storageClass: late, candidates: [volume('a', ours)] }, 'bind a'],
    [
      'has its volume made once its pod has a node',
      { claim: claim({}, { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } }), storageClass: late },
      'provision by example.com/disk',
    ],
  ];
  it.each(rows)('%s', (_, world, expected) => {
    expect(planned(world)).toBe(expected);
  });
});

describe('a claim that names its volume', () => {
  const named = claim({ volumeName: 'a' });
  const rows: readonly [string, Claim, Volume | undefined, string][] = [
    ['waits for it to be there', named, undefined, 'wait'],
    ['is bound to it', named, volume('a'), 'bind a'],
    ['has its binding finished', named, volume('a', ours), 'bind a'],
    ['waits when it is another’s', named, volume('a', theirs), 'wait, FailedBinding: volume "a" already bound to a different claim.'],
    [
      'waits when it does not fit',
      named,
      volume('a', { volumeMode: 'Block' }),
      'wait, VolumeMismatch: Cannot bind to requested volume "a": incompatible volumeMode',
    ],
    ['is bound again when only the volume forgot', claim({ volumeName: 'a' }, { annotations: completed }), volume('a'), 'bind a'],
    ['stays bound', claim({ volumeName: 'a' }, { annotations: completed }), volume('a', ours), 'bind a'],
    [
      'is lost when it is gone',
      claim({ volumeName: 'a' }, { annotations: completed }),
      undefined,
      'lose, ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ],
    [
      'is lost when the name is taken away',
      claim({}, { annotations: completed }),
      undefined,
      'lose, ClaimLost: Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
    ],
    [
      'is lost when another has it',
      claim({ volumeName: 'a' }, { annotations: completed }),
      volume('a', theirs),
      'lose, ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly',
    ],
  ];
  it.each(rows)('%s', (_, of, found, expected) => {
    expect(planned({ claim: of, named: found })).toBe(expected);
  });
});

describe('a volume', () => {
  const made = { annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' } };
  const rows: readonly [string, Volume, Claim | undefined, string][] = [
    ['without a claim is available', volume('a'), undefined, 'set Available'],
    ['that is kept for a claim is available', volume('a', { claimRef: { namespace: 'ns', name: 'data' } }), claim(), 'set Available'],
    ['is bound when both sides say so', volume('a', ours), claim({ volumeName: 'a' }), 'set Bound'],
    ['leaves the rest of the binding to the claim', volume('a', ours), claim(), 'leaveToClaim'],
    ['tells when the claim wants a device', volume('a', ours), claim({ volumeMode: 'Block' }), 'mismatch'],
    ['is released when its claim is gone', volume('a', ours), undefined, 'release'],
    ['is released when another claim has the name', volume('a', ours), claim({ volumeName: 'a' }, { uid: 'new' }), 'release'],
    ['is taken back when its claim has another', volume('a', ours), claim({ volumeName: 'b' }), 'unbind'],
    [
      'that was made for a claim goes when the claim has another',
      volume('a', { ...ours, persistentVolumeReclaimPolicy: 'Delete' }, made),
      claim({ volumeName: 'b' }),
      'release',
    ],
  ];
  it.each(rows)('%s', (_, of, its, expected) => {
    expect(text(planVolume({ volume: of, claim: its }))).toBe(expected);
  });

  it('is not released while its claim is there and has no other', () => {
    expect(
      [undefined, claim(), claim({ volumeName: 'a' }), claim({ volumeName: 'b' })].map((one) => isReleased(volume('a', ours), one)),
    ).toEqual([true, false, false, true]);
    expect(isReleased(volume('a'), undefined)).toBe(false);
  });

  const policies: readonly [string, object, object, string][] = [
    ['is kept', { persistentVolumeReclaimPolicy: 'Retain' }, {}, 'keep'],
    ['is left to its provisioner', { persistentVolumeReclaimPolicy: 'Delete' }, made, 'leaveToProvisioner'],
    ['is left to its driver', { persistentVolumeReclaimPolicy: 'Delete', csi: {} }, {}, 'leaveToProvisioner'],
    ['cannot be recycled', { persistentVolumeReclaimPolicy: 'Recycle', local: {} }, {}, 'No recycler plugin found for the volume!'],
    [
      'of a host path cannot be deleted from here',
      { persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/srv' } },
      {},
      'host_path deleter only supports /tmp/.+ but received provided /srv',
    ],
    ['has a policy that nobody knows', { persistentVolumeReclaimPolicy: 'x' }, {}, 'Volume has unrecognized PersistentVolumeReclaimPolicy'],
  ];
  it.each(policies)('that is released %s', (_, spec, metadata, expected) => {
    const plan = planReclaim(volume('a', spec, metadata));
    expect(plan.type === 'fail' ? plan.message : plan.type).toBe(expected);
  });
});

describe('a binding', () => {
  it('is the same when it is done again', () => {
    const bound = claimBoundTo(claim(), volume('a', ours));
    expect(bound.metadata.annotations).toEqual({ ...byController, ...completed });
    expect(claimBoundTo(bound, volume('a', ours))).toBe(bound);
    const shown = statusWithVolume(bound, volume('a', ours));
    expect(shown.status).toEqual({ phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] });
    expect(statusWithVolume(shown, volume('a', { ...ours, capacity: { storage: '5Gi' } }))).toBe(shown);
    const waiting = statusWithoutVolume(shown, 'Pending');
    expect(waiting.status).toEqual({ phase: 'Pending' });
    expect(statusWithoutVolume(waiting, 'Pending')).toBe(waiting);
    const asked = claimForProvisioner(claim(), 'x');
    expect(claimForProvisioner(asked, 'x')).toBe(asked);
  });

  it('shows the size before a file system has grown, and the class of attributes that the volume has', () => {
    const grown = volume(
      'a',
      { ...ours, capacity: { storage: '5Gi' }, volumeAttributesClassName: 'gold' },
      {
        annotations: { 'volume.alpha.kubernetes.io/pre-resize-capacity': '1Gi' },
      },
    );
    expect(statusWithVolume(claim(), grown).status).toMatchObject({
      capacity: { storage: '1Gi' },
      currentVolumeAttributesClassName: 'gold',
    });
  });

  it('is taken back whole when it was the controller’s, and to the name when it was not', () => {
    expect(volumeUnbound(volume('a', ours, { annotations: byController })).spec.claimRef).toBeUndefined();
    expect(volumeUnbound(volume('a', ours)).spec.claimRef).toEqual({ namespace: 'ns', name: 'data' });
  });
});
