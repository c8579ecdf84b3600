/**
 * HorizontalPodAutoscaler: how many pods a workload has, by what they use. Two versions over one stored set: `v2` is what is stored.
 * @source pkg/apis/autoscaling/{v1,v2}/defaults.go, pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go, v1.35
 */
import type { HorizontalPodAutoscaler as AutoscalerV1, HorizontalPodAutoscalerSpec as SpecV1 } from '../../gen/autoscaling-v1.ts';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  HPAScalingRules,
} from '../../gen/autoscaling-v2.ts';
import { autoscalingv1Resources, autoscalingv2Resources } from '../../gen/resources.ts';
import type { Draft, KubeObject } from '../../object.ts';
import type { PrinterColumn, ResourceDefinition, StrategyContext } from '../../resource-definition.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from './autoscaler-rules.ts';
import { cpuMetric, defaultCpuPercent, ownAnnotations, toV1, toV2, withNewStatus, withOldStatus } from './autoscaler-v1.ts';
import { metricsText } from './metrics-text.ts';

const storage = { prefix: 'autoscaling/horizontalpodautoscalers', group: 'autoscaling', version: 'v2' };
const shortNames = ['hpa'];
const categories = ['all'];
const scaleToZero = ({ featureEnabled }: StrategyContext): boolean => featureEnabled('HPAScaleToZero');

const columns: readonly PrinterColumn<HorizontalPodAutoscaler>[] = [
  nameColumn,
  column('Reference', 'string', 'What it scales.', ({ spec: { scaleTargetRef } }) => `${scaleTargetRef.kind}/${scaleTargetRef.name}`),
  column('Targets', 'string', 'What is measured, and what it should be.', metricsText),
  column('MinPods', 'string', 'How many pods there are at least.', ({ spec }) => String(spec.minReplicas ?? '<unset>')),
  column('MaxPods', 'string', 'How many pods there are at most.', ({ spec }) => spec.maxReplicas),
  column('Replicas', 'integer', 'How many pods there are.', ({ status }) => status.currentReplicas ?? 0),
  ageColumn,
];

export const horizontalPodAutoscalerResource: ResourceDefinition = defineResource<HorizontalPodAutoscaler>({
  ref: autoscalingv2Resources.horizontalpodautoscalers,
  shortNames,
  categories,
  storage,
  subresources: [
    statusSubresource<HorizontalPodAutoscaler>({
      prepareForUpdate: (autoscaler, old) => {
        autoscaler.spec = old.spec as Draft<HorizontalPodAutoscalerSpec>;
      },
      validateUpdate: validateAutoscalerStatus,
    }),
  ],
  columns,
  strategy: {
    applyDefaults,
    prepareForCreate: (autoscaler, ctx) => {
      autoscaler.status = { desiredReplicas: 0 };
      dropDisabledFields(autoscaler.spec, undefined, ctx);
    },
    prepareForUpdate: (autoscaler, old, ctx) => {
      autoscaler.status = old.status as Draft<HorizontalPodAutoscalerStatus>;
      dropDisabledFields(autoscaler.spec, old.spec, ctx);
    },
    validate: (autoscaler, ctx) => validateAutoscaler(autoscaler, scaleToZero(ctx)),
    validateUpdate: (autoscaler, old, ctx) => validateAutoscalerUpdate(autoscaler, old, scaleToZero(ctx)),
  },
});

export const horizontalPodAutoscalerV1Resource: ResourceDefinition = defineResource<AutoscalerV1>({
  ref: autoscalingv1Resources.horizontalpodautoscalers,
  shortNames,
  categories,
  storage: {
    ...storage,
    toStorage: (autoscaler) => toV2(autoscaler),
    // The stored set holds `v2` only.
    fromStorage: (object: KubeObject) => toV1(object as HorizontalPodAutoscaler),
  },
  subresources: [
    statusSubresource<AutoscalerV1>({
      prepareForUpdate: (autoscaler, old) => {
        autoscaler.spec = old.spec;
        setAnnotations(autoscaler, withNewStatus(autoscaler.metadata.annotations ?? {}, old.metadata.annotations ?? {}));
      },
      validateUpdate: (autoscaler) => validateAutoscalerStatus(toV2(autoscaler)),
    }),
  ],
  columns: columns.map((one) => ({ ...one, cell: (autoscaler: AutoscalerV1, nowMs: number) => one.cell(toV2(autoscaler), nowMs) })),
  strategy: {
    applyDefaults: (autoscaler) => {
      autoscaler.spec ??= {} as Draft<SpecV1>;
      autoscaler.spec.scaleTargetRef ??= { kind: '', name: '' };
      autoscaler.spec.maxReplicas ??= 0;
      autoscaler.spec.minReplicas ??= 1;
      // Without omitempty upstream: always printed.
      autoscaler.status ??= { currentReplicas: 0, desiredReplicas: 0 };
      autoscaler.status.currentReplicas ??= 0;
      autoscaler.status.desiredReplicas ??= 0;
    },
    prepareForCreate: (autoscaler, ctx) => {
      autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 };
      setAnnotations(autoscaler, withOldStatus(autoscaler.metadata.annotations ?? {}, {}));
      normalize(autoscaler, undefined, ctx);
    },
    prepareForUpdate: (autoscaler, old, ctx) => {
      autoscaler.status = old.status;
      setAnnotations(autoscaler, withOldStatus(autoscaler.metadata.annotations ?? {}, old.metadata.annotations ?? {}));
      normalize(autoscaler, old, ctx);
    },
    validate: (autoscaler, ctx) => validateAutoscaler(toV2(autoscaler), scaleToZero(ctx)),
    validateUpdate: (autoscaler, old, ctx) => validateAutoscalerUpdate(toV2(autoscaler), toV2(old), scaleToZero(ctx)),
  },
});

function applyDefaults(autoscaler: Draft<HorizontalPodAutoscaler>): void {
  const { metadata } = autoscaler;
  // Of no meaning here, whoever wrote them.
  if (metadata.annotations) setAnnotations(autoscaler, ownAnnotations(metadata.annotations));
  autoscaler.spec ??= {} as Draft<HorizontalPodAutoscalerSpec>;
  autoscaler.status ??= { desiredReplicas: 0 };
  autoscaler.status.desiredReplicas ??= 0;
  const { spec } = autoscaler;
  spec.scaleTargetRef ??= { kind: '', name: '' };
  spec.maxReplicas ??= 0;
  spec.minReplicas ??= 1;
  if ((spec.metrics ?? []).length === 0) spec.metrics = [cpuMetric(defaultCpuPercent)];
  if (!spec.behavior) return;
  spec.behavior.scaleUp = withDefaults(spec.behavior.scaleUp, {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  });
  // The window is the controller's, when nothing is said.
  spec.behavior.scaleDown = withDefaults(spec.behavior.scaleDown, {
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
  });
}

function withDefaults(rules: Draft<HPAScalingRules> | undefined, defaults: Draft<HPAScalingRules>): Draft<HPAScalingRules> {
  return { ...defaults, ...rules };
}

function dropDisabledFields(
  { behavior }: Draft<HorizontalPodAutoscalerSpec>,
  old: HorizontalPodAutoscalerSpec | undefined,
  { featureEnabled }: StrategyContext,
): void {
  const isInUse = old?.behavior?.scaleUp?.tolerance !== undefined || old?.behavior?.scaleDown?.tolerance !== undefined;
  if (featureEnabled('HPAConfigurableTolerance') || isInUse) return;
  delete behavior?.scaleUp?.tolerance;
  delete behavior?.scaleDown?.tolerance;
}

function setAnnotations({ metadata }: Draft<KubeObject>, annotations: Readonly<Record<string, string>>): void {
  if (Object.keys(annotations).length > 0) metadata.annotations = { ...annotations };
  else delete metadata.annotations;
}

/** Says the same in the form in which it will be read again, with the defaults of `v2`. */
function normalize(autoscaler: Draft<AutoscalerV1>, old: AutoscalerV1 | undefined, ctx: StrategyContext): void {
  const full = toV2(autoscaler);
  applyDefaults(full);
  dropDisabledFields(full.spec, old && toV2(old).spec, ctx);
  const { spec, metadata } = toV1(full);
  autoscaler.spec = spec;
  setAnnotations(autoscaler, metadata.annotations ?? {});
}
