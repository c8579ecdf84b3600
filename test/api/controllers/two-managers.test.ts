/**
 * Two controller managers as processes, one API server. The one that leads is cut off, or stopped in the middle of a write, until the other
 * leads; then all it had said arrives. The history of the store must show that never both acted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { appsv1Resources, coordinationv1Resources, corev1Resources } from '../../../src/api/index.ts';
import { systemClock } from '../../../src/base/index.ts';
import { createMemoryStore, type Store } from '../../../src/store/index.ts';
import { startTestServer, type TestServer } from '../harness.ts';
import { HoldingProxy } from './holding-proxy.ts';

const program = new URL('./manager-program.ts', import.meta.url).pathname;
const { signal } = new AbortController();
const lease = { namespace: 'kube-system', name: 'kube-controller-manager' };
const wait = { timeout: 25_000, interval: 20 };
let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'knarr-managers-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Written {
  readonly revision: number;
  readonly key: string;
  readonly object: {
    readonly metadata: {
      readonly managedFields?: readonly { readonly manager: string; readonly fieldsV1: Readonly<Record<string, unknown>> }[];
    };
  };
}

/** A store whose writes are remembered. */
function recorded(store: Store): { readonly store: Store; readonly history: Written[] } {
  const history: Written[] = [];
  const recording = new Proxy(store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (property !== 'txn' || typeof value !== 'function') return typeof value === 'function' ? value.bind(target) : value;
      const txn: Store['txn'] = async (request) => {
        const { op } = request;
        const text = op.type === 'put' ? Buffer.from(op.value).toString() : undefined;
        const result = await target.txn(request);
        if (result.ok && text !== undefined) history.push({ revision: result.revision, key: request.key, object: JSON.parse(text) });
        return result;
      };
      return txn;
    },
  });
  return { store: recording, history };
}

/** Pods that a manager made while another held the Lease, in the order of revisions. */
function trespasses(history: readonly Written[]): string[] {
  let holder = '';
  const found: string[] = [];
  for (const { key, object, revision } of history.toSorted((a, b) => a.revision - b.revision)) {
    const managers = object.metadata.managedFields ?? [];
    if (key.endsWith(`/leases/${lease.namespace}/${lease.name}`)) {
      holder = managers.find(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:holderIdentity'))?.manager ?? '';
    } else if (key.includes('/pods/')) {
      const writer = managers[0]?.manager ?? '';
      if (writer !== holder) found.push(`${revision}: ${writer} made a pod while ${holder} led`);
    }
  }
  return found;
}

class Manager implements AsyncDisposable {
  readonly name: string;
  readonly proxy: HoldingProxy;
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;

  constructor(name: string, proxy: HoldingProxy, child: ChildProcess) {
    this.name = name;
    this.proxy = proxy;
    this.child = child;
    this.ended = new Promise((resolve) => child.once('exit', resolve));
  }

  /** Resolves when it has sent one more write of a pod. */
  wrotePod(): Promise<unknown> {
    return new Promise((resolve) => this.child.stdout?.once('data', resolve));
  }

  static async start(server: TestServer, name: string, more: readonly string[]): Promise<Manager> {
    const proxy = await HoldingProxy.open(server.port);
    const kubeconfig = join(directory, `${name}-${proxy.port}`);
    writeFileSync(kubeconfig, server.kubeconfig().replaceAll(`:${server.port}`, `:${proxy.port}`));
    const times = ['--leader-elect-lease-duration=3s', '--leader-elect-renew-deadline=2s', '--leader-elect-retry-period=300ms'];
    const flags = [`--kubeconfig=${kubeconfig}`, '--secure-port=0', '--controllers=replicaset-controller', ...times, ...more];
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, name, ...flags], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Manager(name, proxy, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
    await this.proxy[Symbol.asyncDispose]();
  }
}

interface Story {
  readonly trespasses: readonly string[];
  readonly pods: number;
}

/** What happens to the leader once the first half of a write of it has been sent, and what ends that. */
type Fault = (leader: Manager) => () => void;

const partitioned: Fault = () => () => {};
const stopped: Fault = ({ child }) => {
  child.kill('SIGSTOP');
  return () => void child.kill('SIGCONT');
};

async function play(fault: Fault, more: readonly string[] = []): Promise<Story> {
  const { store, history } = recorded(createMemoryStore({ clock: systemClock }));
  await using server = await startTestServer({ store, namespaces: ['default', 'kube-system'] });
  const { client } = server;
  const holder = async (): Promise<string | undefined> =>
    (await client.get(coordinationv1Resources.leases, lease, { signal }).catch(() => undefined))?.spec.holderIdentity;
  const pods = async (): Promise<number> => (await client.list(corev1Resources.pods, { namespace: 'default', signal })).items.length;
  const set = (name: string, replicas: number): Promise<unknown> => {
    const labels = { app: name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'v1' }] } };
    const spec = { replicas, selector: { matchLabels: labels }, template };
    const metadata = { name, namespace: 'default' };
    return client.create(appsv1Resources.replicasets, { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec }, { signal });
  };
  await set('before', 1);

  await using first = await Manager.start(server, 'first', more);
  const firstSaid = first.wrotePod();
  await vi.waitFor(async () => expect(await pods()).toBe(1), wait);
  const leader = await holder();
  // What it says of that pod.
  await firstSaid;
  await using _second = await Manager.start(server, 'second', more);

  const wrote = first.wrotePod();
  const held = first.proxy.hold();
  // A set of its own: what is being said of the other does not hold it up.
  await set('during', 5);
  await Promise.all([held, wrote]);
  const goOn = fault(first);
  await vi.waitFor(async () => expect(await holder()).not.toBe(leader), wait);
  await vi.waitFor(async () => expect(await pods()).toBe(6), wait);
  goOn();
  first.proxy.release();
  await first.ended;
  // The second still works; whatever the first had to say was read before.
  await set('after', 2);
  await vi.waitFor(async () => expect(await pods()).toBe(8), wait);
  return { trespasses: trespasses(history), pods: history.filter(({ key }) => key.includes('/pods/')).length };
}

describe('two managers', () => {
  test.each([
    ['the leader is cut off in the middle of a write', partitioned],
    ['the leader is stopped in the middle of a write', stopped],
  ])('never both act: %s', { timeout: 60_000 }, async (_, fault) => {
    const story = await play(fault);
    expect(story.trespasses).toEqual([]);
  });

  test('whose writes carry no fence are found out', { timeout: 60_000 }, async () => {
    const story = await play(stopped, ['--unfenced']);
    expect(story.trespasses).not.toEqual([]);
    expect(story.trespasses[0]).toMatch(/first made a pod while second led/);
  });
});
