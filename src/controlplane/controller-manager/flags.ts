/**
 * Flags of the controller manager: one row a flag, with what it says to the controllers. A flag that is not here is refused, so that nobody
 * believes that it did something.
 * @source cmd/kube-controller-manager/app/options, v1.35
 */
import {
  boolean,
  decimal,
  durationMs,
  file,
  integer,
  list,
  type GivenFlags,
  readFlags,
  type FlagSyntax,
  FlagValueError,
  syntaxOf,
  type ReadFlags,
  text,
  type ValuesOf,
} from '../../api/flags/index.ts';
import { featureGates } from '../../apiserver/flags/index.ts';
import { type ControllerName, controllersFaults, type ControllersOptions, type NodeIpamOptions } from '../../controllers/index.ts';
import { signingFlagFaults } from './signing-flags.ts';
import { componentFlagFaults, componentFlags } from '../component/component-flags.ts';

/** How many keys of a controller are worked on at once, by flag. */
const workerFlags = {
  'concurrent-cron-job-syncs': 'cronjob-controller',
  'concurrent-daemonset-syncs': 'daemonset-controller',
  'concurrent-deployment-syncs': 'deployment-controller',
  'concurrent-endpoint-syncs': 'endpoints-controller',
  'concurrent-ephemeralvolume-syncs': 'ephemeral-volume-controller',
  'concurrent-gc-syncs': 'garbage-collector-controller',
  'concurrent-horizontal-pod-autoscaler-syncs': 'horizontal-pod-autoscaler-controller',
  'concurrent-job-syncs': 'job-controller',
  'concurrent-namespace-syncs': 'namespace-controller',
  'concurrent-rc-syncs': 'replicationcontroller-controller',
  'concurrent-replicaset-syncs': 'replicaset-controller',
  'concurrent-resource-quota-syncs': 'resourcequota-controller',
  'concurrent-service-endpoint-syncs': 'endpointslice-controller',
  'concurrent-serviceaccount-token-syncs': 'serviceaccount-token-controller',
  'concurrent-statefulset-syncs': 'statefulset-controller',
  'concurrent-ttl-after-finished-syncs': 'ttl-after-finished-controller',
  'mirroring-concurrent-service-endpoint-syncs': 'endpointslice-mirroring-controller',
} as const satisfies Readonly<Record<string, ControllerName>>;

const workerSyntax = Object.fromEntries(Object.keys(workerFlags).map((name) => [name, integer])) as {
  readonly [Name in keyof typeof workerFlags]: typeof integer;
};

export const controllerManagerFlags = {
  ...componentFlags,
  ...workerSyntax,
  'allocate-node-cidrs': boolean,
  'cloud-provider': text,
  'cluster-cidr': list,
  'cluster-name': text,
  'cluster-signing-cert-file': file,
  'cluster-signing-duration': durationMs,
  'cluster-signing-key-file': file,
  'cluster-signing-kube-apiserver-client-cert-file': file,
  'cluster-signing-kube-apiserver-client-key-file': file,
  'cluster-signing-kubelet-client-cert-file': file,
  'cluster-signing-kubelet-client-key-file': file,
  'cluster-signing-kubelet-serving-cert-file': file,
  'cluster-signing-kubelet-serving-key-file': file,
  'cluster-signing-legacy-unknown-cert-file': file,
  'cluster-signing-legacy-unknown-key-file': file,
  controllers: list,
  'enable-dynamic-provisioning': boolean,
  'enable-garbage-collector': boolean,
  'endpoint-updates-batch-period': durationMs,
  'endpointslice-updates-batch-period': durationMs,
  'horizontal-pod-autoscaler-cpu-initialization-period': durationMs,
  'horizontal-pod-autoscaler-downscale-stabilization': durationMs,
  'horizontal-pod-autoscaler-initial-readiness-delay': durationMs,
  'horizontal-pod-autoscaler-sync-period': durationMs,
  'horizontal-pod-autoscaler-tolerance': decimal,
  'kube-api-burst': integer,
  'kube-api-qps': decimal,
  'large-cluster-size-threshold': integer,
  'legacy-service-account-token-clean-up-period': durationMs,
  'max-endpoints-per-slice': integer,
  'mirroring-endpointslice-updates-batch-period': durationMs,
  'mirroring-max-endpoints-per-subset': integer,
  'node-cidr-mask-size': integer,
  'node-cidr-mask-size-ipv4': integer,
  'node-cidr-mask-size-ipv6': integer,
  'node-eviction-rate': decimal,
  'node-monitor-grace-period': durationMs,
  'node-monitor-period': durationMs,
  'node-startup-grace-period': durationMs,
  profiling: boolean,
  'pvclaimbinder-sync-period': durationMs,
  'requestheader-client-ca-file': file,
  'resource-quota-sync-period': durationMs,
  'root-ca-file': file,
  'secondary-node-eviction-rate': decimal,
  'service-account-private-key-file': file,
  'service-cluster-ip-range': list,
  'terminated-pod-gc-threshold': integer,
  'unhealthy-zone-threshold': decimal,
  'use-service-account-credentials': boolean,
} as const;

export type ControllerManagerFlagValues = ValuesOf<typeof controllerManagerFlags>;

export function readControllerManagerFlags(given: GivenFlags): ReadFlags<ControllerManagerFlagValues> {
  return readFlags(controllerManagerFlags, given, { check: controllerManagerFlagFaults });
}

/** Undefined: there is no such flag. */
export function controllerManagerFlagSyntax(name: string): FlagSyntax<unknown> | undefined {
  return syntaxOf(controllerManagerFlags, name);
}

/** What a manager in a local cluster's control plane is not told by flags: how it reaches the API server, where it answers, who it is. */
const setByCluster: ReadonlySet<string> = new Set([
  ...Object.keys(controllerManagerFlags).filter((name) => name.startsWith('cluster-signing-') && name.endsWith('-file')),
  'service-account-private-key-file',
  'allocate-node-cidrs',
  'authentication-kubeconfig',
  'authorization-always-allow-paths',
  'authorization-kubeconfig',
  'bind-address',
  'client-ca-file',
  'cluster-cidr',
  'feature-gates',
  'kubeconfig',
  'requestheader-client-ca-file',
  'root-ca-file',
  'secure-port',
  'service-cluster-ip-range',
  'tls-cert-file',
  'tls-private-key-file',
  'use-service-account-credentials',
  'v',
]);

/** What is wrong with flags for the manager of a local cluster. */
export function localControllerManagerFaults(given: GivenFlags): readonly string[] {
  const owned = Object.keys(given).filter((name) => setByCluster.has(name));
  if (owned.length > 0) return owned.map((name) => `--${name} cannot be given: the cluster sets it itself`);
  return readControllerManagerFlags(given).faults;
}

/** What is wrong with the values beyond their syntax. */
function controllerManagerFlagFaults(flags: ControllerManagerFlagValues): string[] {
  const faults = [...componentFlagFaults(flags), ...controllersFaults(flags.controllers ?? ['*'])];
  for (const name of Object.keys(workerFlags) as (keyof typeof workerFlags)[]) {
    const workers = flags[name];
    if (workers !== undefined && workers < 1) faults.push(`${name} must be greater than 0, but got ${workers}`);
  }
  faults.push(...signingFlagFaults(flags));
  const cidrs = flags['cluster-cidr'] ?? [];
  if (flags['allocate-node-cidrs'] && cidrs.length === 0) faults.push('--cluster-cidr must be given with --allocate-node-cidrs');
  if (cidrs.length > 2) faults.push('--cluster-cidr: length of CIDRs must be one or two');
  const masks = flags['node-cidr-mask-size-ipv4'] !== undefined || flags['node-cidr-mask-size-ipv6'] !== undefined;
  const dual = cidrs.length === 2;
  if (dual && flags['node-cidr-mask-size'] !== undefined) {
    faults.push('usage of --node-cidr-mask-size is not allowed with dual-stack clusters');
  }
  if (!dual && masks && flags['node-cidr-mask-size'] !== undefined) {
    faults.push(
      'usage of --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6 is not allowed if --node-cidr-mask-size is set. For dual-stack clusters please unset it.',
    );
  }
  const cleanUp = flags['legacy-service-account-token-clean-up-period'];
  if (cleanUp !== undefined && cleanUp <= 0) faults.push(`invalid CleanUpPeriod: ${cleanUp / 1000}s`);
  for (const name of ['max-endpoints-per-slice', 'mirroring-max-endpoints-per-subset'] as const) {
    const most = flags[name];
    if (most !== undefined && most < 1) faults.push(`${name} cannot be less than 1`);
    if (most !== undefined && most > 1000) faults.push(`${name} cannot be more than 1000`);
  }
  faults.push(...unsupportedFaults(flags));
  try {
    featureGates(flags['feature-gates']);
  } catch (error) {
    if (!(error instanceof FlagValueError)) throw error;
    faults.push(error.message);
  }
  return faults;
}

/** Values that upstream knows and nothing here does anything about. */
function unsupportedFaults(flags: ControllerManagerFlagValues): string[] {
  const cloud = flags['cloud-provider'] ?? '';
  return [
    ...(cloud === '' || cloud === 'external' ? [] : [`--cloud-provider=${cloud} is not supported: there are no cloud controllers`]),
    ...(flags['enable-dynamic-provisioning'] === false ? ['--enable-dynamic-provisioning=false is not supported'] : []),
    ...(flags.profiling ? ['--profiling=true is not supported: there are no profiles to serve'] : []),
  ];
}

/** What the flags say to the controllers. Files that they name are the caller's to read. */
export function controllersOptions(flags: ControllerManagerFlagValues): ControllersOptions {
  const workers: { [Name in ControllerName]?: number } = {};
  for (const [flag, controller] of Object.entries(workerFlags)) {
    const given = flags[flag as keyof typeof workerFlags];
    if (given !== undefined) workers[controller] = given;
  }
  const cidrs = flags['cluster-cidr'] ?? [];
  return {
    ...defined({ only: chosenControllers(flags) }),
    workers,
    endpoints: defined({ updateBatchMs: flags['endpoint-updates-batch-period'] }),
    endpointSlice: defined({
      updateBatchMs: flags['endpointslice-updates-batch-period'],
      maxEndpointsPerSlice: flags['max-endpoints-per-slice'],
    }),
    endpointSliceMirroring: defined({
      updateBatchMs: flags['mirroring-endpointslice-updates-batch-period'],
      maxEndpointsPerSubset: flags['mirroring-max-endpoints-per-subset'],
    }),
    legacyTokens: defined({ cleanUpPeriodMs: flags['legacy-service-account-token-clean-up-period'] }),
    nodeLifecycle: {
      ...defined({
        monitorPeriodMs: flags['node-monitor-period'],
        monitorGraceMs: flags['node-monitor-grace-period'],
        startupGraceMs: flags['node-startup-grace-period'],
      }),
      evictionRates: defined({
        normal: flags['node-eviction-rate'],
        reduced: flags['secondary-node-eviction-rate'],
        largeZone: flags['large-cluster-size-threshold'],
        unhealthyThreshold: flags['unhealthy-zone-threshold'],
      }),
    },
    persistentVolume: defined({ syncPeriodMs: flags['pvclaimbinder-sync-period'] }),
    podAutoscaler: defined({
      syncPeriodMs: flags['horizontal-pod-autoscaler-sync-period'],
      downscaleStabilizationMs: flags['horizontal-pod-autoscaler-downscale-stabilization'],
      tolerance: flags['horizontal-pod-autoscaler-tolerance'],
      cpuInitializationMs: flags['horizontal-pod-autoscaler-cpu-initialization-period'],
      initialReadinessMs: flags['horizontal-pod-autoscaler-initial-readiness-delay'],
    }),
    podGc: defined({ terminatedThreshold: flags['terminated-pod-gc-threshold'] }),
    resourceQuota: defined({ resyncMs: flags['resource-quota-sync-period'] }),
    ...(flags['allocate-node-cidrs'] && {
      nodeIpam: { clusterCidrs: cidrs, serviceCidrs: flags['service-cluster-ip-range'] ?? [], ...nodeMasks(flags) },
    }),
  };
}

/** The first word about a controller counts, so the switch stands before what `--controllers` says. */
function chosenControllers({
  controllers,
  'enable-garbage-collector': collects,
}: ControllerManagerFlagValues): readonly string[] | undefined {
  return collects === false ? ['-garbage-collector-controller', ...(controllers ?? ['*'])] : controllers;
}

/** How long the prefixes of nodes' ranges are, as far as the flags say it. */
export function nodeMasks(flags: ControllerManagerFlagValues): Pick<NodeIpamOptions, 'nodeMaskLengthV4' | 'nodeMaskLengthV6'> {
  return defined({
    nodeMaskLengthV4: flags['node-cidr-mask-size-ipv4'] ?? flags['node-cidr-mask-size'],
    nodeMaskLengthV6: flags['node-cidr-mask-size-ipv6'] ?? flags['node-cidr-mask-size'],
  });
}

/** Without the fields that are undefined. */
function defined<T extends object>(object: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}
