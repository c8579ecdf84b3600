/** Gives every node its range of pod addresses. @source pkg/controller/nodeipam range_allocator.go, v1.35 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { recordNodeStatus } from '../node-lifecycle/node-events.ts';
import { CidrSet } from './cidr-set.ts';
import { cidrMetrics } from './cidr-metrics.ts';

export interface NodeIpamOptions {
  /** One range, or one of each address family. */
  readonly clusterCidrs: readonly string[];
  /** Default 24. */
  readonly nodeMaskLengthV4?: number;
  /** Default 64. */
  readonly nodeMaskLengthV6?: number;
  /** Ranges of Services: what they share with the cluster's is no node's. */
  readonly serviceCidrs?: readonly string[];
}

const exhaustedRetryMs = 30_000;
/** Ranges are chosen without a pause between; what takes its time is writing them. @source pkg/controller/nodeipam/ipam cidrUpdateWorkers */
const workers = 30;

export function createNodeIpamController(context: ControllerContext, options: NodeIpamOptions): Controller {
  const { client, informers, recorder } = context;
  const nodes = informers.informer(corev1Resources.nodes);
  const metrics = cidrMetrics(context.registry);
  const sets = options.clusterCidrs.map(
    (cidr) => new CidrSet(cidr, cidr.includes(':') ? (options.nodeMaskLengthV6 ?? 64) : (options.nodeMaskLengthV4 ?? 24)),
  );
  const occupyAll = (cidrs: readonly string[]): void => {
    for (const cidr of cidrs) for (const set of sets) metrics.allocated(set, set.occupy(cidr) ?? 0);
  };
  const releaseAll = (cidrs: readonly string[]): void => {
    for (const cidr of cidrs) for (const set of sets) metrics.released(set, set.release(cidr) ?? 0);
  };
  occupyAll(options.serviceCidrs ?? []);
  /** Ranges given to nodes whose cache entry does not show them yet. */
  const given = new Map<string, readonly string[]>();

  const setup = (enqueue: (key: string) => void): void => {
    const occupy = ({ spec }: corev1.Node): void => occupyAll(cidrsOf(spec));
    nodes.addHandler({
      added: (node) => {
        occupy(node);
        enqueue(node.metadata.name);
      },
      updated: (_, node) => {
        occupy(node);
        enqueue(node.metadata.name);
      },
      deleted: ({ metadata, spec }) => {
        releaseAll([...new Set([...cidrsOf(spec), ...(given.get(metadata.uid) ?? [])])]);
        given.delete(metadata.uid);
      },
    });
  };

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    const node = nodes.get({ name });
    if (!node) return done;
    const { uid } = node.metadata;
    const own = cidrsOf(node.spec);
    if (own.length > 0) {
      // Somebody else was faster, with others.
      releaseAll((given.get(uid) ?? []).filter((cidr) => !own.includes(cidr)));
      given.delete(uid);
      return done;
    }
    // A try that failed is repeated with the same ranges.
    const ranges = given.get(uid) ?? allocate();
    if (!ranges) {
      recordNodeStatus(recorder, node, 'CIDRNotAvailable');
      return { type: 'retryAfter', delayMs: exhaustedRetryMs };
    }
    given.set(uid, ranges);
    const body = { metadata: { uid }, spec: { podCIDR: ranges[0], podCIDRs: ranges } };
    try {
      await client.patch(corev1Resources.nodes, { name }, { type: 'application/strategic-merge-patch+json', body }, { signal });
    } catch (error) {
      recordNodeStatus(recorder, node, 'CIDRAssignmentFailed');
      throw error;
    }
    return done;
  };

  /** One range of each family, or none of any. */
  const allocate = (): readonly string[] | undefined => {
    const found: string[] = [];
    for (const set of sets) {
      const range = set.allocate();
      if (!range) {
        releaseAll(found);
        return undefined;
      }
      metrics.allocated(set, 1, range.tries);
      found.push(range.cidr);
    }
    return found;
  };

  return { name: 'node-ipam-controller', reconcile, setup, workers };
}

function cidrsOf({ podCIDRs = [], podCIDR }: corev1.NodeSpec): readonly string[] {
  return podCIDRs.length > 0 ? podCIDRs : podCIDR ? [podCIDR] : [];
}
