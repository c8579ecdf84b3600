/**
 * What a fenced write is compared with when it is committed. A leader that was paused can wake with a request in hand, even with one whose
 * body it sends only now; the Lease that its fence names decides, at the very revision of the write.
 */
import { badRequest, conflict, coordinationv1Resources } from '../../api/index.ts';
import { builtinResources } from '../../api/kinds/index.ts';
import { type Fence, parseFence } from '../../client/index.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import type { Txn } from '../../store/index.ts';

const { group, plural } = coordinationv1Resources.leases;
// A control plane has all built-in kinds.
const leaseResource = builtinResources.find((each) => each.group === group && each.plural === plural)!;

/** @param header as `fenceHeader` carries it @throws ApiError Conflict when another holds the Lease, BadRequest */
export function leaseGuard(cache: WatchCache, header: string): NonNullable<Txn['guard']> {
  const fence = parseFence(header);
  if (!fence) throw badRequest('the fence of the request cannot be read');
  const leases = cache.collection(leaseResource.storage.prefix);
  const stored = leases?.get(fence.lease);
  if (leases && stored && isHeldBy(stored.object, fence)) return { key: leases.prefix + stored.key, modRevision: stored.revision };
  const [, name = ''] = fence.lease.split('/');
  throw conflict(
    { group, resource: plural, name },
    `the writer ${JSON.stringify(fence.holder)} does not hold the lease ${fence.lease} any more`,
  );
}

function isHeldBy(lease: object, fence: Fence): boolean {
  const { spec } = lease as { readonly spec?: { readonly holderIdentity?: string; readonly leaseTransitions?: number } };
  return spec?.holderIdentity === fence.holder && (spec.leaseTransitions ?? 0) === fence.transitions;
}
