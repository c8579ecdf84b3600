/**
 * Flags of the scheduler. Nearly everything is said by the configuration file; a flag that is not here is refused, so that nobody believes
 * that it did something. @source cmd/kube-scheduler/app/options, v1.35
 */
import {
  durationMs,
  file,
  files,
  type FlagSyntax,
  type GivenFlags,
  readFlags,
  type ReadFlags,
  syntaxOf,
  type ValuesOf,
} from '../../api/flags/index.ts';
import { featureGates } from '../../apiserver/flags/index.ts';
import { componentFlagFaults, componentFlags } from '../component/index.ts';

export const schedulerFlags = {
  ...componentFlags,
  config: file,
  /** Ours: modules with more kinds of plugins. */
  plugin: files,
  'pod-max-in-unschedulable-pods-duration': durationMs,
} as const;

export type SchedulerFlagValues = ValuesOf<typeof schedulerFlags>;

export function readSchedulerFlags(given: GivenFlags): ReadFlags<SchedulerFlagValues> {
  return readFlags(schedulerFlags, given, { check: faultsOf });
}

/** Undefined: there is no such flag. */
export function schedulerFlagSyntax(name: string): FlagSyntax<unknown> | undefined {
  return syntaxOf(schedulerFlags, name);
}

/** What a scheduler in a local cluster's control plane is not told by flags: how it reaches the API server, and where it answers. */
const setByCluster: ReadonlySet<string> = new Set([
  'authentication-kubeconfig',
  'authorization-always-allow-paths',
  'authorization-kubeconfig',
  'bind-address',
  'client-ca-file',
  'feature-gates',
  'kubeconfig',
  'secure-port',
  'tls-cert-file',
  'tls-private-key-file',
  'v',
]);

/** What is wrong with flags for the scheduler of a local cluster. */
export function localSchedulerFaults(given: GivenFlags): readonly string[] {
  const owned = Object.keys(given).filter((name) => setByCluster.has(name));
  if (owned.length > 0) return owned.map((name) => `--${name} cannot be given: the cluster sets it itself`);
  return readSchedulerFlags(given).faults;
}

function faultsOf(flags: SchedulerFlagValues): string[] {
  const faults = [...componentFlagFaults(flags)];
  try {
    featureGates(flags['feature-gates']);
  } catch (error) {
    faults.push((error as Error).message);
  }
  return faults;
}
