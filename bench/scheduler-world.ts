/**
 * Fills the store of a control plane before it starts: nodes, the pods that are on them already and, where the queue is to be full from the
 * start, the pods that wait. Through the real API server, in this process, without controllers or scheduler.
 */
import {
  coordinationv1Resources,
  corev1Resources,
  isApiError,
  type KubeObject,
  type ResourceRef,
  schedulingv1Resources,
  type Unsaved,
} from '../src/api/index.ts';
import { loopbackUser } from '../src/apiserver/index.ts';
import { knarrVersion, silentLogger, systemClock, systemRandom } from '../src/base/index.ts';
import { type Client, createClient } from '../src/client/index.ts';
import { readControlPlanePki } from '../src/cluster/cluster-pki.ts';
import type { ClusterPaths } from '../src/cluster/home.ts';
import { startApiServer } from '../src/controlplane/index.ts';
import { openLmdbStore } from '../src/store/index.ts';
import { affineNamespaces, highPriorityClass, leaseNamespace, node, nodeLease, type NodeSettings, pod } from './scheduler-objects.ts';
import { lookOften, strangersLease, systemNamespace } from './scheduler-start.ts';
import type { PodGroup, SchedulerWorkload } from './scheduler-workloads.ts';

const atOnce = 256;
const { signal } = new AbortController();

export interface WorldOptions {
  readonly workload: SchedulerWorkload;
  /** How many different specs the measured pods have; 1: all the same. */
  readonly specs: number;
  /** The measured pods stand in the store too, so that the scheduler finds all of them waiting. */
  readonly waiting: boolean;
}

/** The name of the i-th measured pod. */
export const measuredName = (index: number): string => `measured-${index}`;
export const namespaceOf = ({ namespace = 'default' }: PodGroup): string => namespace;
/** Which of the specs a pod has; the first is upstream's own. */
export const variantOf = (index: number, specs: number): number => index % specs;

export async function fillStore(paths: ClusterPaths, options: WorldOptions): Promise<void> {
  if (options.waiting) lookOften(paths);
  const store = await openLmdbStore({ directory: paths.store, clock: systemClock, log: silentLogger });
  const { api } = await startApiServer({
    store,
    ...readControlPlanePki(paths),
    listen: [],
    advertise: { ip: '192.168.0.1', port: 6443 },
    serviceCidrs: ['10.96.0.0/16'],
    apiServiceIp: '10.96.0.1',
    knarrVersion,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onStoreLost: (error) => {
      throw error;
    },
  });
  try {
    await fill(createClient(api.transport(loopbackUser)), options);
  } finally {
    await api.close();
    await store.close();
  }
}

async function fill(client: Client, { workload, specs, waiting }: WorldOptions): Promise<void> {
  for (const name of [...affineNamespaces, leaseNamespace, systemNamespace, 'default']) {
    await make(client, corev1Resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } } as const;
    await make(client, corev1Resources.serviceaccounts, account);
  }
  await make(client, schedulingv1Resources.priorityclasses, highPriorityClass());
  const names = nodeNames(workload);
  const { zones } = workload;
  await many(names.length, (index) =>
    makeNode(client, { name: names[index]!, index, ...(zones && { zone: zones[index % zones.length]! }) }),
  );
  for (const [group, { count, shape, ...rest }] of workload.before.entries()) {
    const namespace = namespaceOf({ count, shape, ...rest });
    await many(count, async (index) => {
      const nodeName = names[index % workload.nodes]!;
      await make(client, corev1Resources.pods, pod({ name: `before-${group}-${index}`, namespace, shape, variant: 0, nodeName }));
    });
  }
  if (!waiting) return;
  await make(client, coordinationv1Resources.leases, strangersLease());
  const { measured } = workload;
  const namespace = namespaceOf(measured);
  await many(measured.count, async (index) => {
    const variant = variantOf(index, specs);
    await make(client, corev1Resources.pods, pod({ name: measuredName(index), namespace, shape: measured.shape, variant }));
  });
}

export function nodeNames({ nodes, roomyNode }: SchedulerWorkload): string[] {
  const names = Array.from({ length: nodes }, (_, index) => `node-${index}`);
  return roomyNode === undefined ? names : [...names, roomyNode];
}

/** Ready, with a Lease, and without the taint that every new node has until a controller has looked at it. */
async function makeNode(client: Client, settings: NodeSettings): Promise<void> {
  const { name } = settings;
  await make(client, corev1Resources.nodes, node(settings));
  const body = { spec: { taints: null } };
  await client.patch(corev1Resources.nodes, { name }, { type: 'application/merge-patch+json', body }, { signal });
  await make(client, coordinationv1Resources.leases, nodeLease(name));
}

/** Whatever a starting server makes by itself may be there. */
async function make<T extends KubeObject>(client: Client, resource: ResourceRef<T>, object: Unsaved<T>): Promise<void> {
  try {
    await client.create(resource, object, { signal });
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) throw error;
  }
}

/** Calls for 0 … count - 1, a bounded number at a time. */
export async function many(count: number, one: (index: number) => Promise<void>, inFlight: number = atOnce): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, worker));
}
