/** Nodes that are lost and come back or never do; owners that go, with and without what they own. */
import { appsv1Resources, corev1Resources, isPodTerminal } from '../../../../src/api/index.ts';
import {
  app,
  connect,
  cutOff,
  deletePod,
  describe,
  expectGone,
  isUp,
  namespace,
  powerOff,
  scale,
  type Scenario,
  selector,
  template,
} from '../scenario.ts';
import type { World } from '../world.ts';
import { ownersOf } from '../checks/owners.ts';

const patientMs = 10_000;
const tolerations = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map(
  (key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: patientMs / 1_000 }) as const,
);
const lost = 'node-3';

export const nodeLoss: Scenario = {
  name: 'node loss',
  controllers: ['replicaset-controller', 'node-lifecycle-controller', 'taint-eviction-controller', 'pod-garbage-collector-controller'],
  nodes: 3,
  nodeSize: { cpu: '2', memory: '4Gi', pods: '12' },
  faultyMs: 240_000,
  beat: true,
  setUp: async ({ client, signal }) => {
    const spec = { replicas: 5, selector, template: template('app:1', '100m', { tolerations }) };
    await client.create(
      appsv1Resources.replicasets,
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: app, namespace }, spec },
      { signal },
    );
  },
  actions: {
    'a node is cut off': cutOff,
    'a node loses its power': powerOff,
    'a node is gone for ever': async ({ client, nodes, signal }) => {
      nodes.powerOff(lost);
      await client.delete(corev1Resources.nodes, { name: lost }, { signal }).catch(expectGone);
    },
    'the user scales': scale(appsv1Resources.replicasets, 2, 7),
    'somebody deletes a pod': deletePod,
  },
  mend: connect,
  isDone: (history) => {
    const nodes = new Set([...history.all('Node')].map(({ metadata }) => metadata.name));
    const replicas = history.one('ReplicaSet', app)?.spec.replicas ?? 1;
    const pods = [...history.all('Pod')].filter((pod) => !isPodTerminal(pod));
    return (
      pods.length === replicas &&
      [...history.all('Pod')].every(({ spec }) => nodes.has(spec.nodeName ?? '')) &&
      pods.every((pod) => isUp(pod, 'app:1')) &&
      [...history.all('Node')].every(({ spec }) => (spec.taints ?? []).length === 0)
    );
  },
  describe: (history) => `${describe('ReplicaSet')(history)}\n${JSON.stringify([...history.all('Node')])}`,
};

/** By name; those without owners are what a user deletes. */
const families: Readonly<Record<string, readonly string[]>> = {
  first: [],
  second: [],
  third: [],
  child: ['first'],
  shared: ['first', 'second'],
  grandchild: ['child'],
  heir: ['shared', 'child'],
  other: ['third'],
};

const remove =
  (name: string, propagationPolicy: 'Background' | 'Foreground') =>
  async ({ client, signal }: World) => {
    await client.delete(corev1Resources.configmaps, { namespace, name }, { signal, body: { propagationPolicy } }).catch(expectGone);
  };

const isInvolved = (name: string): boolean => name in families;

export const owners: Scenario = {
  name: 'owners',
  controllers: ['garbage-collector-controller'],
  nodes: 1,
  setUp: async ({ client, signal }) => {
    const uids = new Map<string, string>();
    for (const [name, owned] of Object.entries(families)) {
      const ownerReferences = owned.map((owner) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: owner,
        uid: uids.get(owner)!,
        blockOwnerDeletion: true,
      }));
      const made = await client.create(
        corev1Resources.configmaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ownerReferences } },
        { signal },
      );
      uids.set(name, made.metadata.uid);
    }
  },
  actions: {
    'the user deletes the first': remove('first', 'Background'),
    'the user deletes the second and waits for what it owns': remove('second', 'Foreground'),
    'the user deletes the first and waits for what it owns': remove('first', 'Foreground'),
    'the user deletes the third': remove('third', 'Background'),
  },
  isDone: (history) => {
    const all = [...history.all('ConfigMap')].filter(({ metadata }) => isInvolved(metadata.name));
    return all.every(
      (one) =>
        one.metadata.deletionTimestamp === undefined &&
        (families[one.metadata.name]!.length === 0 ||
          (ownersOf(one).length > 0 && ownersOf(one).every((uid) => all.some(({ metadata }) => metadata.uid === uid)))),
    );
  },
  describe: (history) => JSON.stringify([...history.all('ConfigMap')].filter(({ metadata }) => isInvolved(metadata.name))),
};
