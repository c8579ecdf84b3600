/**
 * StatefulSet: pods with names, order and claims of their own.
 * @source pkg/apis/apps/v1/defaults.go, pkg/registry/apps/statefulset/strategy.go, v1.35
 */
import type { StatefulSet, StatefulSetSpec, StatefulSetStatus } from '../../gen/apps-v1.ts';
import type { PersistentVolumeClaim } from '../../gen/core-v1.ts';
import { appsv1Resources } from '../../gen/resources.ts';
import { goQuote } from '../../go-text.ts';
import { nameIsDnsLabel } from '../../names.ts';
import type { Draft } from '../../object.ts';
import { tryParseQuantity } from '../../quantity.ts';
import type { ResourceDefinition, StrategyContext } from '../../resource-definition.ts';
import { applyTemplateDefaults, dropDisabledTemplateFields } from '../core/pod/template.ts';
import { podTemplateWarnings } from '../core/pod/warnings.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { ageColumn, column, containerColumns, nameColumn } from '../standard-columns.ts';
import { scaleSubresource, selectorText } from './replica-columns.ts';
import { validateStatefulSet, validateStatefulSetStatus, validateStatefulSetUpdate } from './stateful-set-rules.ts';

export const statefulSetResource: ResourceDefinition = defineResource<StatefulSet>({
  ref: appsv1Resources.statefulsets,
  shortNames: ['sts'],
  categories: ['all'],
  subresources: [
    statusSubresource<StatefulSet>({
      prepareForUpdate: (set, old) => {
        set.spec = old.spec as Draft<StatefulSetSpec>;
      },
      validateUpdate: validateStatefulSetStatus,
    }),
    scaleSubresource<StatefulSet>(selectorText),
  ],
  columns: [
    nameColumn,
    column(
      'Ready',
      'string',
      'How many pods are ready, of how many.',
      ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    ),
    ageColumn,
    ...containerColumns<StatefulSet>(({ spec }) => spec.template.spec?.containers),
  ],
  strategy: {
    applyDefaults: applyStatefulSetDefaults,
    prepareForCreate: (set, ctx) => {
      set.status = { replicas: 0, availableReplicas: 0 };
      dropDisabledFields(set.spec, undefined, ctx);
    },
    prepareForUpdate: (set, old, ctx) => {
      set.status = old.status as Draft<StatefulSetStatus>;
      dropDisabledFields(set.spec, old.spec, ctx);
    },
    validateName: nameIsDnsLabel,
    validate: validateStatefulSet,
    validateUpdate: validateStatefulSetUpdate,
    warnings: ({ spec }, old) => [
      ...podTemplateWarnings(spec.template, old?.spec.template, 'spec.template'),
      // An update names the field as Go does.
      ...(spec.volumeClaimTemplates ?? []).flatMap((claim, i) =>
        claimWarnings(claim, `spec.volumeClaimTemplates[${i}]${old ? '.Spec' : ''}`),
      ),
      ...((spec.revisionHistoryLimit ?? 0) < 0
        ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
        : []),
    ],
  },
});

function applyStatefulSetDefaults(set: Draft<StatefulSet>): void {
  set.spec ??= {} as Draft<StatefulSetSpec>;
  set.status ??= { replicas: 0 };
  // Without omitempty upstream: always printed.
  set.status.replicas ??= 0;
  set.status.availableReplicas ??= 0;
  const { spec } = set;
  spec.serviceName ??= '';
  spec.podManagementPolicy ||= 'OrderedReady';
  const strategy = (spec.updateStrategy ??= {});
  if (!strategy.type) {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) {
    strategy.rollingUpdate.partition ??= 0;
    strategy.rollingUpdate.maxUnavailable ??= 1;
  }
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
  retention.whenDeleted ||= 'Retain';
  retention.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.template ??= {};
  applyTemplateDefaults(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) applyClaimDefaults(claim);
}

/** A claim inside says what it is, and is as it would be after its own creation. */
function applyClaimDefaults(claim: Draft<PersistentVolumeClaim>): void {
  claim.apiVersion = 'v1';
  claim.kind = 'PersistentVolumeClaim';
  (claim as { metadata?: unknown }).metadata ??= {};
  claim.spec ??= {};
  claim.spec.resources ??= {};
  claim.spec.volumeMode ??= 'Filesystem';
  claim.status ??= {};
  claim.status.phase ||= 'Pending';
}

function dropDisabledFields(spec: Draft<StatefulSetSpec>, old: StatefulSetSpec | undefined, ctx: StrategyContext): void {
  const rolling = spec.updateStrategy?.rollingUpdate;
  const isInUse = old?.updateStrategy?.rollingUpdate?.maxUnavailable !== undefined;
  if (rolling && !isInUse && !ctx.featureEnabled('MaxUnavailableStatefulSet')) delete rolling.maxUnavailable;
  dropDisabledTemplateFields(spec.template, old?.template, ctx);
}

/** @source pkg/api/persistentvolumeclaim/util.go GetWarningsForPersistentVolumeClaimSpec */
function claimWarnings({ spec }: PersistentVolumeClaim, path: string): string[] {
  return (['requests', 'limits'] as const).flatMap((list) => {
    const text = spec.resources?.[list]?.['storage'];
    const amount = text === undefined ? undefined : tryParseQuantity(text);
    if (!amount || amount.milliValue() % 1000 === 0) return [];
    return [`${path}.resources.${list}[storage]: fractional byte value ${goQuote(amount.toString())} is invalid, must be an integer`];
  });
}
