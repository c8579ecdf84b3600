/**
 * The node's heartbeat: a Lease of its name, renewed before it runs out. @source component-helpers apimachinery/lease, v1.35
 */
import { type coordinationv1, coordinationv1Resources, type corev1, isApiError, type Unsaved } from '../../api/index.ts';
import { type Clock, type Ctx, formatMicroTime, isAbort } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';

export interface NodeLeaseOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly node: () => corev1.Node | undefined;
  /** Default 40 s; renewed four times in that. */
  readonly durationSeconds: number;
}

const leaseNamespace = 'kube-node-lease';
const retryMs = 200;
const maxRetryMs = 7000;

export async function keepNodeLease(options: NodeLeaseOptions, ctx: Ctx): Promise<void> {
  const { clock, durationSeconds } = options;
  let lease: coordinationv1.Lease | undefined;
  let waitMs = retryMs;
  for (;;) {
    try {
      lease = await renew(options, lease, ctx);
      waitMs = (durationSeconds * 1000) / 4;
    } catch (err) {
      if (isAbort(err, ctx.signal)) throw err;
      ctx.log.info('the node lease could not be renewed', { err });
      // Somebody wrote it, or it is gone: read it again.
      lease = undefined;
      waitMs = Math.min(waitMs * 2, maxRetryMs);
    }
    await clock.sleep(waitMs, ctx.signal);
  }
}

async function renew(
  { client, clock, nodeName, node, durationSeconds }: NodeLeaseOptions,
  known: coordinationv1.Lease | undefined,
  ctx: Ctx,
): Promise<coordinationv1.Lease> {
  const renewTime = formatMicroTime(clock.now());
  const key = { namespace: leaseNamespace, name: nodeName };
  const held = known ?? (await getOrNothing(client, key, ctx));
  if (held) {
    const spec = { ...held.spec, holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime };
    const metadata = held.metadata.ownerReferences?.length ? held.metadata : { ...held.metadata, ...ownedBy(node()) };
    return client.update(coordinationv1Resources.leases, { ...held, metadata, spec }, ctx);
  }
  const fresh: Unsaved<coordinationv1.Lease> = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...key, ...ownedBy(node()) },
    spec: { holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime },
  };
  return client.create(coordinationv1Resources.leases, fresh, ctx);
}

async function getOrNothing(
  client: Client,
  key: { readonly namespace: string; readonly name: string },
  ctx: Ctx,
): Promise<coordinationv1.Lease | undefined> {
  try {
    return await client.get(coordinationv1Resources.leases, key, ctx);
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** With the node as its owner the lease goes when the node does. */
function ownedBy(node: corev1.Node | undefined): Pick<coordinationv1.Lease['metadata'], 'ownerReferences'> {
  if (!node) return {};
  return { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid }] };
}
