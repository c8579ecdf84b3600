/**
 * Fields whose feature gate is off are not stored, except where the stored pod has them already.
 * @source pkg/api/pod/util.go DropDisabledPodFields, v1.35
 */
import type { Container, PodSpec, VolumeProjection } from '../../../gen/core-v1.ts';
import type { Draft } from '../../../object.ts';

type DraftSpec = Draft<PodSpec>;
type DraftContainer = Draft<Container>;

/** A gate, and what it guards. `inUse` is cheap: it runs on every write. */
interface GatedField {
  readonly gate: string;
  readonly inUse: (spec: PodSpec | DraftSpec) => boolean;
  readonly drop: (spec: DraftSpec) => void;
}

export function dropDisabledPodFields(spec: DraftSpec, old: PodSpec | undefined, featureEnabled: (gate: string) => boolean): void {
  for (const { gate, inUse, drop } of gatedFields) {
    if (inUse(spec) && !featureEnabled(gate) && !(old && inUse(old))) drop(spec);
  }
}

const gatedFields: readonly GatedField[] = [
  {
    gate: 'DynamicResourceAllocation',
    inUse: (spec) => spec.resourceClaims !== undefined || containersOf(spec).some(({ resources }) => resources?.claims !== undefined),
    drop: (spec) => {
      delete spec.resourceClaims;
      for (const { resources } of draftContainersOf(spec)) if (resources) delete resources.claims;
    },
  },
  field('GenericWorkload', 'workloadRef'),
  field('HostnameOverride', 'hostnameOverride'),
  field('PodLevelResources', 'resources'),
  field('UserNamespacesSupport', 'hostUsers'),
  projection('ClusterTrustBundleProjection', 'clusterTrustBundle'),
  projection('PodCertificateRequest', 'podCertificate'),
  {
    gate: 'ImageVolume',
    inUse: ({ volumes = [] }) => volumes.some(({ image }) => image !== undefined),
    drop: ({ volumes = [] }) => volumes.forEach((volume) => delete volume.image),
  },
  {
    gate: 'EnvFiles',
    inUse: (spec) => containersOf(spec).some(({ env = [] }) => env.some(({ valueFrom }) => valueFrom?.fileKeyRef !== undefined)),
    drop: (spec) => {
      for (const { env = [] } of draftContainersOf(spec)) for (const { valueFrom } of env) if (valueFrom) delete valueFrom.fileKeyRef;
    },
  },
  {
    gate: 'ContainerRestartRules',
    inUse: (spec) =>
      containersOf(spec).some(({ restartPolicyRules }) => restartPolicyRules !== undefined) ||
      (spec.containers ?? []).some(({ restartPolicy }) => restartPolicy !== undefined),
    drop: (spec) => {
      for (const container of spec.containers ?? []) delete container.restartPolicy;
      for (const container of draftContainersOf(spec)) delete container.restartPolicyRules;
    },
  },
  {
    gate: 'ContainerStopSignals',
    inUse: (spec) => containersOf(spec).some(({ lifecycle }) => lifecycle?.stopSignal !== undefined),
    drop: (spec) => {
      for (const { lifecycle } of draftContainersOf(spec)) if (lifecycle) delete lifecycle.stopSignal;
    },
  },
];

function field(gate: string, name: 'workloadRef' | 'hostnameOverride' | 'resources' | 'hostUsers'): GatedField {
  return { gate, inUse: (spec) => spec[name] !== undefined, drop: (spec) => delete spec[name] };
}

function projection(gate: string, name: keyof VolumeProjection): GatedField {
  return {
    gate,
    inUse: ({ volumes = [] }) => volumes.some(({ projected }) => projected?.sources?.some((source) => source[name] !== undefined) ?? false),
    drop: ({ volumes = [] }) => {
      for (const { projected } of volumes) for (const source of projected?.sources ?? []) delete source[name];
    },
  };
}

function containersOf(spec: PodSpec | DraftSpec): readonly Container[] {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
}

function draftContainersOf(spec: DraftSpec): DraftContainer[] {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
}
