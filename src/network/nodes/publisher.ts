/**
 * What this node tells the cluster of its network: the annotations by which others reach its pods, and the condition NetworkUnavailable.
 * Written with the node's own rights, which reach no other node.
 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import { type Clock, formatTime } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { annotationChanges } from './annotations.ts';

export interface NetworkCondition {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface PublishOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Writes what differs from what `node` has, in one request; none when nothing does. */
export async function publish(
  node: corev1.Node,
  wanted: { readonly annotations?: Readonly<Record<string, string | null>>; readonly condition: NetworkCondition },
  { client, clock, signal }: PublishOptions,
): Promise<void> {
  const annotations = wanted.annotations && annotationChanges(node.metadata.annotations, wanted.annotations);
  const condition = conditionChange(node, wanted.condition, formatTime(clock.now()));
  if (!annotations && !condition) return;
  const body = { ...(annotations && { metadata: { annotations } }), ...(condition && { status: { conditions: [condition] } }) };
  const patch = { type: 'application/strategic-merge-patch+json' as const, body, subresource: 'status' };
  await client.patch(corev1Resources.nodes, { name: node.metadata.name }, patch, { signal });
}

/** The condition as it is to be written; undefined when it says the same already. Pure. */
export function conditionChange(node: corev1.Node, wanted: NetworkCondition, now: string): corev1.NodeCondition | undefined {
  const has = node.status?.conditions?.find(({ type }) => type === 'NetworkUnavailable');
  if (has && has.status === wanted.status && has.reason === wanted.reason && has.message === wanted.message) return undefined;
  return {
    type: 'NetworkUnavailable',
    ...wanted,
    lastHeartbeatTime: now,
    lastTransitionTime: has?.status === wanted.status ? (has.lastTransitionTime ?? now) : now,
  };
}
