/**
 * Rollouts while everything goes wrong that may go wrong: the API server ends watches and restarts, controllers and kubelets die and come
 * back, nodes fall silent and lose power, requests and answers are lost, others write the same objects all the time. When it is over,
 * what was asked for holds, and no pod is lost or there twice.
 */
import { expect } from 'vitest';
import { appsv1Resources, corev1Resources, getCondition, isApiError, isPodReady, type ResourceRef } from '../../src/api/index.ts';
import { type Random, seededRandom, VirtualClock } from '../../src/base/index.ts';
import { type Cluster, createTranscript, startCluster, type Transcript } from '../../src/testing/index.ts';
import { createDeployment, getDeployment, imageOf, isDeleting, isRolledOut, namespace, patch, podsOf, setImage } from './objects.ts';

const second = 1_000;
const minute = 60 * second;

const pick = <T>(random: Random, choices: readonly T[]): T => choices[Math.floor(random.next() * choices.length)]!;

/** One thing that goes wrong. Whatever it breaks is mended by `mend`, at the latest when the storm is over. */
type Fault = (cluster: Cluster, random: Random) => Promise<void> | void;

const faults: Readonly<Record<string, Fault>> = {
  'controllers lose their watches': ({ faults: own }) => own.cutWatches(),
  'a kubelet loses its watches': (cluster, random) => pick(random, cluster.nodes).faults.cutWatches(),
  'requests and answers are lost': ({ faults: own }, random) => own.lose({ requests: random.next() / 4, answers: random.next() / 4 }),
  'a kubelet loses requests and answers': (cluster, random) => pick(random, cluster.nodes).faults.lose({ requests: 0.2, answers: 0.2 }),
  'controllers are cut off': ({ faults: own }) => own.disconnect(),
  'a node is cut off': (cluster, random) => pick(random, cluster.nodes).faults.disconnect(),
  'controllers die': (cluster) => cluster.stopManagers(),
  'controllers restart': async (cluster) => {
    await cluster.stopManagers();
    cluster.startManagers();
  },
  'a kubelet dies': (cluster, random) => pick(random, cluster.nodes).stopKubelet(),
  'a kubelet restarts': async (cluster, random) => {
    const node = pick(random, cluster.nodes);
    await node.stopKubelet();
    await node.startKubelet();
  },
  'a node loses its power': (cluster, random) => pick(random, cluster.nodes).powerOff(),
  'the API server restarts': (cluster) => cluster.restartApiServer(),
  'containers die': async (cluster, random) => {
    const { runtime } = pick(random, cluster.nodes);
    const containers = await runtime.runtime.listContainers({}, { signal: cluster.signal });
    for (const { id, state } of containers) if (state === 'running' && random.next() < 0.5) runtime.exitContainer(id, 1);
  },
  'a sandbox dies': async (cluster, random) => {
    const { runtime } = pick(random, cluster.nodes);
    const sandboxes = await runtime.runtime.listPodSandboxes({}, { signal: cluster.signal });
    if (sandboxes.length > 0) runtime.killSandbox(pick(random, sandboxes).id);
  },
  'somebody deletes a pod': async (cluster, random) => {
    const pods = await podsOf(cluster, 'web');
    if (pods.length === 0) return;
    const key = { namespace, name: pick(random, pods).metadata.name };
    await cluster.client.delete(corev1Resources.pods, key, { signal: cluster.signal }).catch(expectGone);
  },
  'the user scales': async (cluster, random) => {
    await patch(cluster, appsv1Resources.deployments, 'web', { spec: { replicas: 3 + Math.floor(random.next() * 6) } });
  },
  'the user rolls out': (cluster, random) => setImage(cluster, 'web', `app:${2 + Math.floor(random.next() * 3)}`),
};

function expectGone(error: unknown): void {
  if (!isApiError(error, 'NotFound')) throw error;
}

async function mend(cluster: Cluster): Promise<void> {
  for (const part of [cluster, ...cluster.nodes]) {
    part.faults.lose({});
    part.faults.connect();
  }
  cluster.startManagers();
  for (const node of cluster.nodes) await node.startKubelet();
}

const contested: readonly ResourceRef[] = [
  appsv1Resources.deployments,
  appsv1Resources.replicasets,
  corev1Resources.pods,
  corev1Resources.nodes,
];

/** Writes annotations on everything that others write too, so that their updates meet newer versions. */
async function interfere(cluster: Cluster, random: Random): Promise<void> {
  const { client, signal } = cluster;
  for (const resource of contested) {
    for (const { metadata } of (await client.list(resource, { signal })).items) {
      if (random.next() < 0.5) continue;
      const key = { name: metadata.name, ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) };
      const body = { metadata: { annotations: { 'example.com/touched': String(random.next()) } } };
      await client.patch(resource, key, { type: 'application/merge-patch+json', body }, { signal }).catch(expectGone);
    }
  }
}

export interface Outcome {
  /** What went wrong, in order, for the message of a failure. */
  readonly story: readonly string[];
  readonly transcript: Transcript;
}

/** @throws Error with the story when the world is not whole in the end */
export async function storm(seed: number): Promise<Outcome> {
  const transcript = createTranscript();
  const random = seededRandom(seed * 7919);
  const story: string[] = [];
  const clock = new VirtualClock();
  await using cluster = await startCluster({
    clock,
    seed,
    nodes: 3,
    node: { latency: { sandboxMs: 200, startMs: 1 + Math.floor(random.next() * 4 * second), pullMs: 2 * second } },
    onChange: transcript.record,
  });
  await createDeployment(cluster, 'web', { replicas: 6 });
  const startMs = clock.now();
  for (let round = 0; round < 12; round++) {
    await cluster.advance(random.next() * (random.next() < 0.2 ? 3 * minute : 10 * second));
    const [name, fault] = pick(random, Object.entries(faults));
    story.push(`${((clock.now() - startMs) / second).toFixed(1)} ${name}`);
    await fault(cluster, random);
    if (random.next() < 0.4) await interfere(cluster, random);
    if (random.next() < 0.3) await mend(cluster);
  }
  await mend(cluster);
  story.push(`${((clock.now() - startMs) / second).toFixed(1)} all is mended`);
  try {
    await cluster.until('the rollout is done', () => isSettled(cluster), 20 * minute);
    await expectWhole(cluster);
  } catch (error) {
    throw new Error(`seed ${seed}:\n${[...story, ...(await worldNow(cluster))].join('\n')}`, { cause: error });
  }
  return { story, transcript };
}

/** The state of the world, a line for each thing. */
async function worldNow(cluster: Cluster): Promise<string[]> {
  const { spec, status } = await getDeployment(cluster, 'web');
  const { items: nodes } = await cluster.client.list(corev1Resources.nodes, { signal: cluster.signal });
  return [
    `deployment: ${JSON.stringify({ replicas: spec.replicas, image: spec.template.spec?.containers[0]?.image, status })}`,
    ...nodes.map(
      (node) =>
        `${node.metadata.name}: ${JSON.stringify({ taints: node.spec?.taints, ready: getCondition(node.status?.conditions, 'Ready') })}`,
    ),
    ...(await podsOf(cluster, 'web')).map(
      (pod) =>
        `${pod.metadata.name} on ${pod.spec.nodeName}: ${JSON.stringify({ deleted: pod.metadata.deletionTimestamp, ...pod.status })}`,
    ),
  ];
}

async function isSettled(cluster: Cluster): Promise<boolean> {
  const deployment = await getDeployment(cluster, 'web');
  const pods = await podsOf(cluster, 'web');
  return isRolledOut(deployment) && pods.length === deployment.spec.replicas && pods.every((pod) => isPodReady(pod) && !isDeleting(pod));
}

/** The world is as the Deployment says, on every node too, and stays so. */
async function expectWhole(cluster: Cluster): Promise<void> {
  const deployment = await getDeployment(cluster, 'web');
  const before = await podsOf(cluster, 'web');
  expect(new Set(before.map(imageOf))).toEqual(new Set([deployment.spec.template.spec?.containers[0]?.image]));
  await cluster.advance(5 * minute);
  const pods = await podsOf(cluster, 'web');
  expect(pods.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
  for (const node of cluster.nodes) {
    const call = { signal: cluster.signal };
    const sandboxes = (await node.runtime.runtime.listPodSandboxes({}, call)).filter(({ state }) => state === 'ready');
    const containers = (await node.runtime.runtime.listContainers({}, call)).filter(({ state }) => state === 'running');
    const own = pods.filter(({ spec }) => spec.nodeName === node.name);
    // One sandbox and one container for each pod, and none for anybody else.
    expect(sandboxes.map(({ metadata }) => metadata.uid).toSorted()).toEqual(own.map(({ metadata }) => metadata.uid).toSorted());
    expect(containers.map(({ sandboxId }) => sandboxId).toSorted()).toEqual(sandboxes.map(({ id }) => id).toSorted());
    const statuses = await Promise.all(sandboxes.map(({ id }) => node.runtime.runtime.podSandboxStatus(id, call)));
    expect(statuses.flatMap(({ ips }) => ips).toSorted()).toEqual(own.map(({ status }) => status?.podIP ?? '').toSorted());
  }
  const sets = (await cluster.client.list(appsv1Resources.replicasets, { namespace, signal: cluster.signal })).items;
  const wanted = sets.map(({ spec }) => spec.replicas ?? 0).filter((replicas) => replicas > 0);
  expect(wanted).toEqual([deployment.spec.replicas]);
}
