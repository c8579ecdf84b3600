/**
 * PersistentVolume: a piece of storage in the cluster, bound to at most one claim. What it is made of does not change.
 * @source pkg/registry/core/persistentvolume/strategy.go, pkg/apis/core/validation/validation.go, pkg/api/persistentvolume, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { forbidden } from '../../field-errors.ts';
import type { PersistentVolume, PersistentVolumeSpec, PersistentVolumeStatus } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { storageClassNameOf } from '../../persistent-volumes.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { immutableField, sameJson } from '../immutable.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../standard-columns.ts';
import { formatTime } from '../time-text.ts';
import { nodeTermWarnings } from './node-label-warnings.ts';
import { validateVolumeSpec } from './persistent-volume-rules.ts';
import { describeDiff } from './pod/spec-diff.ts';
import { canonicalizeResources } from './resource-list.ts';
import { accessModesText, classAnnotationWarnings, storageText } from './volume-text.ts';
import { applyVolumeSourceDefaults } from './volume-source-defaults.ts';

const mountOptionsAnnotation = 'volume.beta.kubernetes.io/mount-options';

/** Fields of a spec that are not its source. */
const describing = [
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
] as const;

export const persistentVolumeResource: ResourceDefinition = defineResource<PersistentVolume>({
  ref: corev1Resources.persistentvolumes,
  shortNames: ['pv'],
  subresources: [
    statusSubresource<PersistentVolume>({
      prepareForUpdate: (volume, old, { nowMs }) => {
        volume.spec = old.spec as Draft<PersistentVolumeSpec>;
        stampPhase(volume.status, old.status, nowMs);
      },
      validateUpdate: () => [],
    }),
  ],
  columns: [
    nameColumn,
    column('Capacity', 'string', 'How much can be stored.', ({ spec }) => storageText(spec.capacity)),
    column('Access Modes', 'string', 'The ways in which it can be mounted.', ({ spec }) => accessModesText(spec.accessModes)),
    column('Reclaim Policy', 'string', 'What happens when its claim is gone.', ({ spec }) => spec.persistentVolumeReclaimPolicy ?? ''),
    column('Status', 'string', 'Whether it is available, bound to a claim or released by one.', ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    ),
    column('Claim', 'string', 'The claim that it is bound to.', ({ spec: { claimRef } }) =>
      claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}` : '',
    ),
    column('StorageClass', 'string', 'The class that it belongs to.', storageClassNameOf),
    column(
      'VolumeAttributesClass',
      'string',
      'The class of attributes that it has.',
      ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    ),
    column('Reason', 'string', 'Why it is in its state, in one word.', ({ status }) => status.reason ?? ''),
    ageColumn,
    wideColumn('VolumeMode', 'string', 'Whether it holds files or is a bare device.', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
  strategy: {
    applyDefaults: (volume) => {
      volume.spec ??= {};
      volume.status ??= {};
      volume.status.phase ||= 'Pending';
      volume.spec.persistentVolumeReclaimPolicy ||= 'Retain';
      volume.spec.volumeMode ??= 'Filesystem';
      canonicalizeResources(volume.spec.capacity);
      applyVolumeSourceDefaults(volume.spec);
    },
    prepareForCreate: (volume, { nowMs }) => {
      volume.status = { phase: 'Pending', lastPhaseTransitionTime: formatTime(nowMs) };
    },
    prepareForUpdate: (volume, old) => {
      volume.status = old.status;
    },
    validate: validatePersistentVolume,
    validateUpdate: validatePersistentVolumeUpdate,
    warnings: persistentVolumeWarnings,
  },
});

function stampPhase(status: Draft<PersistentVolumeStatus>, old: PersistentVolumeStatus, nowMs: number): void {
  if (status.phase === old.phase) return;
  if (status.lastPhaseTransitionTime === undefined || status.lastPhaseTransitionTime === old.lastPhaseTransitionTime) {
    status.lastPhaseTransitionTime = formatTime(nowMs);
  }
}

function validatePersistentVolume({ metadata, spec }: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  validateVolumeSpec(spec, { path: 'spec', name: metadata.name ?? '', inline: false }, errors);
  if (metadata.annotations?.[mountOptionsAnnotation] !== undefined && !takesMountOptions(spec)) {
    errors.push(forbidden(`metadata.annotations.${mountOptionsAnnotation}`, 'may not specify mount options for this volume type'));
  }
  return errors;
}

const mountable = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'nfs',
  'rbd',
  'quobyte',
  'iscsi',
  'cinder',
  'cephfs',
  'azureFile',
  'vsphereVolume',
  'azureDisk',
  'photonPersistentDisk',
] as const satisfies readonly (keyof PersistentVolumeSpec)[];

function takesMountOptions(spec: PersistentVolumeSpec): boolean {
  return mountable.some((field) => spec[field] !== undefined);
}

function validatePersistentVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors = validatePersistentVolume(volume);
  const [source, before] = [sourceOf(volume.spec, old.spec), sourceOf(old.spec, old.spec)];
  if (!sameJson(source, before)) {
    const diff = describeDiff('core.PersistentVolumeSource', before, source);
    errors.push(forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${diff}`));
  }
  errors.push(...immutableField('volumeMode', volume.spec.volumeMode, old.spec.volumeMode));
  if (old.spec.nodeAffinity) errors.push(...nodeAffinityErrors(volume.spec, old.spec));
  if (old.spec.volumeAttributesClassName !== undefined && volume.spec.volumeAttributesClassName === undefined) {
    errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}

/** The source alone. A Secret for expanding may be added to one that has none. */
function sourceOf(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): object {
  const { csi, ...rest } = Object.fromEntries(
    Object.entries(spec).filter(([field]) => !(describing as readonly string[]).includes(field)),
  ) as PersistentVolumeSpec;
  if (!csi) return rest;
  const { controllerExpandSecretRef, ...fixed } = csi;
  const isAdded = old.csi !== undefined && old.csi.controllerExpandSecretRef === undefined;
  return { ...rest, csi: isAdded ? fixed : { ...fixed, controllerExpandSecretRef } };
}

const gaLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
};

/** Only old names of labels may give way to the new ones. */
function nodeAffinityErrors({ nodeAffinity }: PersistentVolumeSpec, old: PersistentVolumeSpec): FieldError[] {
  const renamed = JSON.parse(JSON.stringify(old.nodeAffinity)) as Draft<NonNullable<PersistentVolumeSpec['nodeAffinity']>>;
  const terms = nodeAffinity?.required?.nodeSelectorTerms ?? [];
  for (const [i, { matchExpressions = [] }] of (renamed.required?.nodeSelectorTerms ?? []).entries()) {
    for (const [j, expression] of matchExpressions.entries()) {
      const successor = Object.hasOwn(gaLabels, expression.key) ? gaLabels[expression.key] : undefined;
      if (successor !== undefined && terms[i]?.matchExpressions?.[j]?.key === successor) expression.key = successor;
    }
  }
  return sameJson(nodeAffinity, renamed) ? [] : immutableField('nodeAffinity', nodeAffinity, old.nodeAffinity);
}

const deprecatedSources: readonly (readonly [keyof PersistentVolumeSpec, string])[] = [
  ['cephfs', 'spec.cephfs: deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'spec.photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'spec.scaleIO: deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'spec.storageOS: deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'spec.glusterfs: deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'spec.rbd: deprecated in v1.28, non-functional in v1.31+'],
];

function persistentVolumeWarnings({ metadata, spec }: PersistentVolume): string[] {
  const warnings = classAnnotationWarnings(metadata);
  if (metadata.annotations?.[mountOptionsAnnotation] !== undefined) {
    warnings.push(`metadata.annotations[${mountOptionsAnnotation}]: deprecated since v1.31; use "mountOptions" attribute instead`);
  }
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  for (const [i, term] of (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries()) {
    warnings.push(...nodeTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`));
  }
  for (const [field, message] of deprecatedSources) if (spec[field] !== undefined) warnings.push(message);
  return warnings;
}
