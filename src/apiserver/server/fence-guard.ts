/**
 * Refuses writes of an elected component that is not elected any more. A leader that was paused can wake with a request in hand;
 * the fence it carries names its Lease, and the stored Lease decides.
 */
import { badRequest, conflict, coordinationv1Resources } from '../../api/index.ts';
import { parseFence } from '../../client/index.ts';
import type { RequestInfo } from '../request.ts';
import type { Registry } from '../storage.ts';

export class FenceGuard {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** @param header as `fenceHeader` carries it @throws ApiError Conflict, BadRequest */
  check(header: string, info: RequestInfo): void {
    const fence = parseFence(header);
    if (!fence) throw badRequest('the fence of the request cannot be read');
    const [namespace = '', name = ''] = fence.lease.split('/');
    const lease = this.#registry.cached(coordinationv1Resources.leases, { namespace, name });
    const { holderIdentity = '', leaseTransitions = 0 } = lease?.spec ?? {};
    if (lease && holderIdentity === fence.holder && leaseTransitions === fence.transitions) return;
    throw conflict(
      { group: info.apiGroup, resource: info.resource, name: info.name },
      `the writer ${JSON.stringify(fence.holder)} does not hold the lease ${fence.lease} any more`,
    );
  }
}
