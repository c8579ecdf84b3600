/**
 * The moment at which a scheduler finds all pods waiting: a stranger holds its Lease from before the control plane starts, so that nothing is
 * bound until whoever counts is watching. Then the stranger gives the Lease up, and the candidate begins as a leader's successor does.
 */
import type { coordinationv1, Unsaved } from '../src/api/index.ts';
import { readClusterRecord, writeClusterRecord } from '../src/cluster/cluster-record.ts';
import type { ClusterPaths } from '../src/cluster/home.ts';
import { H2Connection, type H2Target } from './h2-client.ts';

export const systemNamespace = 'kube-system';
const leaseName = 'kube-scheduler';
/** Longer than any run. */
const heldSeconds = 3600;
/**
 * How often the candidate looks, instead of 10 s: it begins within about two seconds, before the nodes' Leases have to be renewed beside what
 * is measured. As a leader it renews as often, which is one small write a second.
 */
const retryPeriod = '1s';

/** The scheduler's Lease, as a stranger holds it. */
export function strangersLease(): Unsaved<coordinationv1.Lease> {
  const now = microTime();
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: leaseName, namespace: systemNamespace },
    spec: { holderIdentity: 'bench', leaseDurationSeconds: heldSeconds, acquireTime: now, renewTime: now, leaseTransitions: 0 },
  };
}

/** Tells a control plane that has not started yet how often its scheduler looks whether it may lead. */
export function lookOften(paths: ClusterPaths): void {
  const record = readClusterRecord(paths);
  if (!record) throw new Error(`there is no cluster at ${paths.record}`);
  writeClusterRecord(paths, { ...record, schedulerFlags: { 'leader-elect-retry-period': [retryPeriod] } });
}

/** Gives the Lease up, as a leader that stops does. */
export async function letSchedulerBegin(target: H2Target): Promise<void> {
  using connection = await H2Connection.open(target);
  const path = `/apis/coordination.k8s.io/v1/namespaces/${systemNamespace}/leases/${leaseName}`;
  const body = JSON.stringify({ spec: { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime() } });
  const { status, text } = await connection.request({ method: 'PATCH', path, type: 'application/merge-patch+json', body });
  if (status !== 200) throw new Error(`the scheduler's Lease could not be given up: ${text()}`);
}

function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
