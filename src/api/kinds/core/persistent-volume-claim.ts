/**
 * PersistentVolumeClaim: what a user asks of storage; a volume is bound to it. Once made, only the size and the class of attributes
 * of a bound claim change.
 * @source pkg/registry/core/persistentvolumeclaim/strategy.go, pkg/api/persistentvolumeclaim/util.go, v1.35
 */
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimStatus } from '../../gen/core-v1.ts';
import { corev1Resources } from '../../gen/resources.ts';
import { goQuote } from '../../go-text.ts';
import type { Draft } from '../../object.ts';
import { tryParseQuantity } from '../../quantity.ts';
import type { ResourceDefinition, StrategyContext } from '../../resource-definition.ts';
import { storageClassNameOf } from '../../persistent-volumes.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../standard-columns.ts';
import { validateClaim, validateClaimStatus, validateClaimUpdate } from './persistent-volume-claim-rules.ts';
import { canonicalizeRequirements, canonicalizeResources } from './resource-list.ts';
import { accessModesText, classAnnotationWarnings, storageText } from './volume-text.ts';

type Spec = Draft<PersistentVolumeClaimSpec>;

export const persistentVolumeClaimResource: ResourceDefinition = defineResource<PersistentVolumeClaim>({
  ref: corev1Resources.persistentvolumeclaims,
  shortNames: ['pvc'],
  subresources: [
    statusSubresource<PersistentVolumeClaim>({
      prepareForUpdate: (claim, old) => {
        claim.spec = old.spec as Spec;
      },
      validateUpdate: validateClaimStatus,
    }),
  ],
  columns: [
    nameColumn,
    column('Status', 'string', 'Whether it has a volume.', ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    ),
    column('Volume', 'string', 'The volume that it is bound to.', ({ spec }) => spec.volumeName ?? ''),
    column('Capacity', 'string', 'The size of that volume.', ({ spec, status }) => (spec.volumeName ? storageText(status.capacity) : '')),
    column('Access Modes', 'string', 'The ways in which that volume can be mounted.', ({ spec, status }) =>
      spec.volumeName ? accessModesText(status.accessModes) : '',
    ),
    column('StorageClass', 'string', 'The class that it asks for.', storageClassNameOf),
    column(
      'VolumeAttributesClass',
      'string',
      'The class of attributes that it asks for.',
      ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    ),
    ageColumn,
    wideColumn('VolumeMode', 'string', 'Whether files or a bare device are asked for.', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
  strategy: {
    applyDefaults: (claim) => {
      claim.spec ??= {};
      claim.spec.resources ??= {};
      claim.status ??= {};
      claim.status.phase ||= 'Pending';
      claim.spec.volumeMode ??= 'Filesystem';
      canonicalizeRequirements(claim.spec.resources);
      canonicalizeResources(claim.status.capacity);
      canonicalizeResources(claim.status.allocatedResources);
    },
    prepareForCreate: (claim, ctx) => {
      claim.status = { phase: 'Pending' };
      dropDisabledFields(claim.spec, undefined, ctx);
      dropOddSource(claim.spec, undefined);
      mirrorSources(claim.spec);
    },
    prepareForUpdate: (claim, old, ctx) => {
      claim.status = old.status as Draft<PersistentVolumeClaimStatus>;
      dropDisabledFields(claim.spec, old.spec, ctx);
      dropOddSource(claim.spec, old.spec);
    },
    validate: validateClaim,
    validateUpdate: validateClaimUpdate,
    warnings: ({ metadata, spec }) => [...classAnnotationWarnings(metadata), ...fractionWarnings(spec)],
  },
});

/** Sources in other namespaces are off by default. */
function dropDisabledFields(spec: Spec, old: PersistentVolumeClaimSpec | undefined, { featureEnabled }: StrategyContext): void {
  if (spec.dataSourceRef?.namespace && !featureEnabled('CrossNamespaceVolumeDataSource') && !old?.dataSourceRef) delete spec.dataSourceRef;
}

/** The older field takes claims and snapshots only; others are dropped as they always were, unless the newer field is used. */
function dropOddSource(spec: Spec, old: PersistentVolumeClaimSpec | undefined): void {
  if (old?.dataSource || old?.dataSourceRef || spec.dataSourceRef) return;
  const { kind, apiGroup = '' } = spec.dataSource ?? {};
  const isClaim = kind === 'PersistentVolumeClaim' && apiGroup === '';
  const isSnapshot = kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io';
  if (!isClaim && !isSnapshot) delete spec.dataSource;
}

/** Both fields say the same; whichever is missing is filled in. */
function mirrorSources(spec: Spec): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource };
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
    const { namespace: _, ...local } = dataSourceRef;
    spec.dataSource = local;
  }
}

function fractionWarnings({ resources }: PersistentVolumeClaimSpec): string[] {
  return (['requests', 'limits'] as const).flatMap((list) => {
    const text = resources?.[list]?.['storage'];
    const amount = text === undefined ? undefined : tryParseQuantity(text);
    if (!amount || amount.milliValue() % 1000 === 0) return [];
    return [`spec.resources.${list}[storage]: fractional byte value ${goQuote(amount.toString())} is invalid, must be an integer`];
  });
}
