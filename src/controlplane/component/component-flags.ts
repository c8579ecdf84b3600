/**
 * Flags that every component beside the API server has: how it reaches the API server, how it is elected, where it answers for its health.
 * One row a flag; what they say is put together in `election.ts`, `connection.ts` and `serving.ts`.
 * @source component-base config/options/leaderelectionconfig.go, apiserver pkg/server/options (serving, authentication, authorization), v1.35
 */
import { boolean, choice, durationMs, file, integer, list, switches, text, type ValuesOf } from '../../api/flags/index.ts';

export const componentFlags = {
  'authentication-kubeconfig': file,
  'authorization-always-allow-paths': list,
  'authorization-kubeconfig': file,
  'bind-address': text,
  'client-ca-file': file,
  'feature-gates': switches,
  kubeconfig: file,
  'leader-elect': boolean,
  'leader-elect-lease-duration': durationMs,
  'leader-elect-renew-deadline': durationMs,
  'leader-elect-resource-lock': choice('leases'),
  'leader-elect-resource-name': text,
  'leader-elect-resource-namespace': text,
  'leader-elect-retry-period': durationMs,
  'secure-port': integer,
  'tls-cert-file': file,
  'tls-private-key-file': file,
  v: integer,
} as const;

export type ComponentFlagValues = ValuesOf<typeof componentFlags>;

/** Waits between tries of a candidate are stretched by up to this much. @source client-go tools/leaderelection JitterFactor */
const jitter = 1.2;

/** What is wrong with the values beyond their syntax. */
export function componentFlagFaults(flags: ComponentFlagValues): string[] {
  const faults: string[] = [];
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = electionTimes(flags);
  if (leaseDurationMs <= renewDeadlineMs) faults.push('leaseDuration must be greater than renewDeadline');
  if (renewDeadlineMs <= retryPeriodMs * jitter) faults.push('renewDeadline must be greater than retryPeriod*JitterFactor');
  if (retryPeriodMs < 1) faults.push('retryPeriod must be greater than zero');
  const port = flags['secure-port'] ?? 0;
  if (port < 0 || port > 65_535) faults.push(`--secure-port ${port} must be between 0 and 65535, inclusive. 0 for turning off secure port`);
  if ((flags['tls-cert-file'] === undefined) !== (flags['tls-private-key-file'] === undefined)) {
    faults.push('--tls-cert-file and --tls-private-key-file are given together or not at all');
  }
  return faults;
}

export interface ElectionTimes {
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

const upstreamTimes: ElectionTimes = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** @param defaults for what the flags do not say; default: upstream's 15 s, 10 s, 2 s */
export function electionTimes(flags: ComponentFlagValues, defaults = upstreamTimes): ElectionTimes {
  return {
    leaseDurationMs: flags['leader-elect-lease-duration'] ?? defaults.leaseDurationMs,
    renewDeadlineMs: flags['leader-elect-renew-deadline'] ?? defaults.renewDeadlineMs,
    retryPeriodMs: flags['leader-elect-retry-period'] ?? defaults.retryPeriodMs,
  };
}
