/** Gives every node its range of pod addresses. @source pkg/controller/nodeipam range_allocator.go, v1.35 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { recordNodeStatus } from '../node-lifecycle/node-events.ts';
import { CidrSet } from './cidr-set.ts';

export interface NodeIpamOptions {
  /** One range, or one of each address family. */
  readonly clusterCidrs: readonly string[];
  /** Default 24. */
  readonly nodeMaskLengthV4?: number;
  /** Default 64. */
  readonly nodeMaskLengthV6?: number;
}

const exhaustedRetryMs = 30_000;

export function createNodeIpamController(context: ControllerContext, options: NodeIpamOptions): Controller {
  const { client, informers, recorder } = context;
  const nodes = informers.informer(corev1Resources.nodes);
  const sets = options.clusterCidrs.map(
    (cidr) => new CidrSet(cidr, cidr.includes(':') ? (options.nodeMaskLengthV6 ?? 64) : (options.nodeMaskLengthV4 ?? 24)),
  );
  /** Ranges given to nodes whose cache entry does not show them yet. */
  const given = new Map<string, readonly string[]>();

  const setup = (enqueue: (key: string) => void): void => {
    const occupy = ({ spec }: corev1.Node): void => {
      for (const cidr of cidrsOf(spec)) for (const set of sets) set.occupy(cidr);
    };
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
        for (const cidr of [...cidrsOf(spec), ...(given.get(metadata.uid) ?? [])]) for (const set of sets) set.release(cidr);
        given.delete(metadata.uid);
      },
    });
  };

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    const node = nodes.get({ name });
    if (!node) return done;
    const { uid } = node.metadata;
    if (cidrsOf(node.spec).length > 0) {
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
    const ranges = sets.map((set) => set.allocate());
    const whole = ranges.filter((range) => range !== undefined);
    if (whole.length === sets.length) return whole;
    sets.forEach((set, i) => set.release(ranges[i] ?? ''));
    return undefined;
  };

  return { name: 'node-ipam-controller', reconcile, setup, workers: 1 };
}

function cidrsOf({ podCIDRs = [], podCIDR }: corev1.NodeSpec): readonly string[] {
  return podCIDRs.length > 0 ? podCIDRs : podCIDR ? [podCIDR] : [];
}
