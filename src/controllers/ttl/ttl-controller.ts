/**
 * Tells kubelets by an annotation how long they may keep Secrets and ConfigMaps: the larger the cluster, the longer.
 * @source pkg/controller/ttl/ttl_controller.go, v1.35
 */
import { corev1Resources } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

/** Sizes overlap, so that a cluster at an edge does not swing. */
const steps = [
  { smallest: 0, largest: 100, seconds: 0 },
  { smallest: 90, largest: 500, seconds: 15 },
  { smallest: 450, largest: 1_000, seconds: 30 },
  { smallest: 900, largest: 2_000, seconds: 60 },
  { smallest: 1_800, largest: Infinity, seconds: 300 },
] as const;

/** The step of a cluster of so many nodes that stood at `step`. Pure. */
export function nextStep(step: number, nodes: number): number {
  let next = step;
  while (nodes > steps[next]!.largest) next++;
  while (nodes < steps[next]!.smallest) next--;
  return next;
}

/** Seconds of a step. */
export function ttlOf(step: number): number {
  return steps[step]!.seconds;
}

export function createTtlController({ client, informers }: ControllerContext): Controller {
  const nodes = informers.informer(corev1Resources.nodes);
  let step = 0;
  let count = 0;

  const setup = (enqueue: (key: string) => void): void => {
    const resize = (by: number): void => {
      count += by;
      const next = nextStep(step, count);
      if (next === step) return;
      step = next;
      for (const { metadata } of nodes.list()) enqueue(metadata.name);
    };
    nodes.addHandler({
      added: ({ metadata }) => {
        resize(1);
        enqueue(metadata.name);
      },
      updated: (_, { metadata }) => enqueue(metadata.name),
      deleted: () => resize(-1),
    });
  };

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    const node = nodes.get({ name });
    const wanted = String(ttlOf(step));
    if (!node || node.metadata.annotations?.[annotation] === wanted) return done;
    const body = { metadata: { annotations: { [annotation]: wanted } } };
    await client.patch(corev1Resources.nodes, { name }, { type: 'application/strategic-merge-patch+json', body }, { signal });
    return done;
  };

  return { name: 'ttl-controller', reconcile, setup, workers: 5 };
}
