/** Extenders of the scheduler: real HTTP servers that are asked where pods may go, and that answer well, badly, late or not at all. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type corev1, corev1Resources, getCondition, type JsonObject, schedulingv1Resources } from '../../src/api/index.ts';
import { systemClock } from '../../src/base/index.ts';
import { schedulerFileFaults, schedulerSettings } from '../../src/controlplane/scheduler/index.ts';
import { type Cluster, startCluster } from '../../src/testing/index.ts';
import { createTestAuthority, type TestAuthority } from '../api/certificates.ts';
import { createPod, getPod, namespace } from './objects.ts';

interface Call {
  readonly verb: string;
  readonly body: JsonObject;
}

/** What is answered: JSON, or a text as it stands with a status, or nothing at all. */
type Answer = object | { readonly status: number; readonly text: string } | 'silence';
type Answers = Readonly<Record<string, (body: JsonObject) => Answer>>;

interface TestExtender extends AsyncDisposable {
  readonly url: string;
  readonly calls: Call[];
}

let directory: string;
let authority: TestAuthority;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'extenders-'));
  authority = await createTestAuthority();
});
afterAll(() => rmSync(directory, { recursive: true }));

async function startExtender(answers: Answers, tls?: { readonly clientCa?: string }): Promise<TestExtender> {
  const calls: Call[] = [];
  const server: Server = tls
    ? createHttpsServer({ ...authority.server, ...(tls.clientCa && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }) })
    : createHttpServer();
  server.on('request', (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const verb = request.url?.slice('/scheduler/'.length) ?? '';
      const body = JSON.parse(text) as JsonObject;
      calls.push({ verb, body });
      const answer = answers[verb]?.(body) ?? { status: 404, text: 'no such verb' };
      if (answer === 'silence') return;
      if ('text' in answer && 'status' in answer) response.writeHead(answer.status).end(answer.text);
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http${tls ? 's' : ''}://127.0.0.1:${port}/scheduler/`,
    calls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let files = 0;
function configurationFile(...extenders: readonly object[]): string {
  const path = join(directory, `scheduler-${files++}.yaml`);
  const document = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration', extenders };
  writeFileSync(path, JSON.stringify(document));
  return path;
}

/** A cluster whose scheduler has read a file with these extenders. */
async function startWith(
  extenders: readonly object[],
  options: { readonly nodes?: number; readonly cpus?: number } = {},
): Promise<Cluster> {
  const { options: scheduler } = await schedulerSettings({ config: configurationFile(...extenders) }, systemClock);
  const { nodes = 3, cpus } = options;
  return startCluster({ nodes, scheduler, ...(cpus !== undefined && { node: { machine: { cpus } } }) });
}

const nodeOf = async (cluster: Cluster, name: string): Promise<string | undefined> => (await getPod(cluster, name)).spec.nodeName;
const placed = async (cluster: Cluster, name: string): Promise<string> => {
  await cluster.until(`${name} has a node`, async () => (await nodeOf(cluster, name)) !== undefined);
  return (await nodeOf(cluster, name)) ?? '';
};
/** Reason and message of the pod's condition, once it has been told why it waits. */
async function refusal(cluster: Cluster, name: string): Promise<string> {
  const read = async (): Promise<corev1.PodCondition | undefined> =>
    getCondition((await getPod(cluster, name)).status.conditions, 'PodScheduled');
  await cluster.until(`${name} says why it waits`, async () => (await read())?.status === 'False');
  const condition = await read();
  return `${condition?.reason}: ${condition?.message}`;
}

const filtering = { filterVerb: 'filter', nodeCacheCapable: true };
const onlyThird = (): object => ({ nodenames: ['node-3'], failedNodes: { 'node-1': 'too old', 'node-2': 'too old' } });

describe('an extender that filters', () => {
  it('leaves the nodes that it names, by names or by whole objects', async () => {
    const items = (body: JsonObject): object => {
      const list = body['nodes'] as unknown as corev1.NodeList;
      return { nodes: { items: list.items.filter(({ metadata }) => metadata.name === 'node-2') } };
    };
    await using byName = await startExtender({ filter: onlyThird });
    await using first = await startWith([{ urlPrefix: byName.url, ...filtering }]);
    await createPod(first, 'p');
    expect(await placed(first, 'p')).toBe('node-3');
    expect((byName.calls[0]!.body['nodenames'] as string[]).toSorted()).toEqual(['node-1', 'node-2', 'node-3']);
    await using byObject = await startExtender({ filter: items });
    await using second = await startWith([{ urlPrefix: byObject.url, filterVerb: 'filter' }]);
    await createPod(second, 'p');
    expect(await placed(second, 'p')).toBe('node-2');
  });

  it('may write its fields in capitals', async () => {
    await using extender = await startExtender({ filter: () => ({ NodeNames: ['node-1'], FailedNodes: null, Error: '' }) });
    await using cluster = await startWith([{ urlPrefix: extender.url, ...filtering }]);
    await createPod(cluster, 'p');
    expect(await placed(cluster, 'p')).toBe('node-1');
  });

  const rows: readonly [what: string, answer: () => Answer, said: RegExp][] = [
    [
      'no node',
      () => ({ nodenames: [], failedNodes: { 'node-1': 'full of ghosts', 'node-2': 'full of ghosts', 'node-3': 'haunted' } }),
      /^Unschedulable: 0\/3 nodes are available: 1 haunted, 2 full of ghosts\./,
    ],
    ['an error of its own', () => ({ error: 'the database is away' }), /^SchedulerError: the database is away$/],
    [
      'a node that it was not asked about',
      () => ({ nodenames: ['elsewhere'] }),
      /^SchedulerError: extender "http:\S+" claims a filtered node "elsewhere" which is not found in the input node list$/,
    ],
    [
      'a status of failure',
      () => ({ status: 500, text: 'oops' }),
      /^SchedulerError: failed filter with extender at URL http:\S+\/scheduler\/filter, code 500$/,
    ],
    [
      'another status of success',
      () => ({ status: 201, text: '{}' }),
      /^SchedulerError: failed filter with extender at URL \S+, code 201$/,
    ],
    ['what is no JSON', () => ({ status: 200, text: '<html>' }), /^SchedulerError: the answer of http:\S+\/filter is no JSON: /],
    ['nothing', () => ({ status: 200, text: '' }), /^SchedulerError: the answer of http:\S+\/filter is no JSON: /],
    ['a list', () => [], /^SchedulerError: extender "http:\S+" answered filter with what is not an object$/],
    [
      'names that are none',
      () => ({ nodenames: [1] }),
      /^SchedulerError: extender "http:\S+" answered filter with nodenames that is not a list of strings$/,
    ],
    ['late', () => 'silence', /^SchedulerError: Post "http:\S+\/filter": context deadline exceeded \(Client\.Timeout exceeded/],
  ];
  it.each(rows)('and answers %s makes the pod say so', async (_what, answer, said) => {
    await using extender = await startExtender({ filter: answer });
    await using cluster = await startWith([{ urlPrefix: extender.url, ...filtering, httpTimeout: '300ms' }]);
    await createPod(cluster, 'p');
    expect(await refusal(cluster, 'p')).toMatch(said);
  });

  it('and fails is passed over when it may be', async () => {
    await using broken = await startExtender({ filter: () => ({ status: 503, text: '' }) });
    await using working = await startExtender({ filter: onlyThird });
    const gone = 'http://127.0.0.1:9/scheduler';
    await using cluster = await startWith([
      { urlPrefix: gone, ...filtering, ignorable: true },
      { urlPrefix: broken.url, ...filtering, ignorable: true },
      { urlPrefix: working.url, ...filtering },
    ]);
    await createPod(cluster, 'p');
    expect(await placed(cluster, 'p')).toBe('node-3');
    expect(broken.calls.length).toBeGreaterThan(0);
  });

  it('is asked only about pods that want what it manages', async () => {
    await using extender = await startExtender({ filter: () => ({ error: 'not these' }) });
    const managedResources = [{ name: 'example.com/light', ignoredByScheduler: true }];
    await using cluster = await startWith([{ urlPrefix: extender.url, ...filtering, managedResources }]);
    await createPod(cluster, 'plain');
    await placed(cluster, 'plain');
    expect(extender.calls).toEqual([]);
    const resources = { requests: { 'example.com/light': '1' }, limits: { 'example.com/light': '1' } };
    await createPod(cluster, 'bright', { containers: [{ name: 'main', image: 'app:1', resources }] });
    // No node has it: only what the scheduler does not count gets as far as the extender.
    expect(await refusal(cluster, 'bright')).toBe('SchedulerError: not these');
  });
});

describe('an extender that prioritizes', () => {
  it('outweighs the plugins by its weight, and says nothing when it fails', async () => {
    const scores = [
      { host: 'node-1', score: 0 },
      { host: 'node-2', score: 10 },
      { Host: 'node-3', Score: 1 },
    ];
    await using good = await startExtender({ prioritize: () => scores });
    await using bad = await startExtender({ prioritize: () => [{ host: 'node-1', score: 'much' }] });
    const shared = { prioritizeVerb: 'prioritize', nodeCacheCapable: true };
    await using cluster = await startWith([
      { urlPrefix: good.url, ...shared, weight: 100 },
      { urlPrefix: bad.url, ...shared, weight: 1000 },
    ]);
    for (const name of ['a', 'b', 'c']) {
      await createPod(cluster, name);
      expect(await placed(cluster, name)).toBe('node-2');
    }
    expect(bad.calls.length).toBe(3);
  });
});

describe('an extender that binds', () => {
  it('binds the pod itself', async () => {
    const late: { cluster?: Cluster } = {};
    const bind = (body: JsonObject): object => {
      const { client, signal } = late.cluster!;
      const { podName: name, node } = body as unknown as Readonly<Record<'podName' | 'node', string>>;
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target: { kind: 'Node', name: node } };
      const create = { name: 'binding', verb: 'create', body: binding } as const;
      void client.subresource(corev1Resources.pods, { namespace, name }, create, { signal });
      return {};
    };
    await using extender = await startExtender({ bind });
    await using cluster = await startWith([{ urlPrefix: extender.url, bindVerb: 'bind' }]);
    late.cluster = cluster;
    const { metadata } = await createPod(cluster, 'p');
    const node = await placed(cluster, 'p');
    expect(extender.calls).toEqual([{ verb: 'bind', body: { podName: 'p', podNamespace: namespace, podUID: metadata.uid, node } }]);
  });

  it('and cannot sends the pod back, unless it may be ignored', async () => {
    await using extender = await startExtender({ bind: () => ({ error: 'no ink' }) });
    await using strict = await startWith([{ urlPrefix: extender.url, bindVerb: 'bind' }]);
    await createPod(strict, 'p');
    expect(await refusal(strict, 'p')).toMatch(/^SchedulerError: (binding rejected: )?(running Bind plugin "": )?no ink$/);
    await using lenient = await startWith([{ urlPrefix: extender.url, bindVerb: 'bind', ignorable: true }]);
    await createPod(lenient, 'p');
    await placed(lenient, 'p');
  });
});

describe('an extender that preempts', () => {
  const low = { priority: 0, containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '700m' } } }] };
  const fill = async (cluster: Cluster): Promise<readonly corev1.Pod[]> => {
    for (const name of ['low-1', 'low-2']) await createPod(cluster, name, low);
    for (const name of ['low-1', 'low-2']) await placed(cluster, name);
    const urgent = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'urgent' }, value: 1000 } as const;
    await cluster.client.create(schedulingv1Resources.priorityclasses, urgent, { signal: cluster.signal });
    return Promise.all(['low-1', 'low-2'].map((name) => getPod(cluster, name)));
  };
  const high = { priorityClassName: 'urgent', containers: low.containers };

  it('chooses the node, and is told pods by name and uid when it knows them', async () => {
    const proposed: JsonObject[] = [];
    const preempt = (body: JsonObject): object => {
      const victims = body['nodeNameToMetaVictims'] as JsonObject;
      proposed.push(victims);
      return { nodeNameToMetaVictims: { 'node-2': victims['node-2'] } };
    };
    await using extender = await startExtender({ preempt });
    await using cluster = await startWith([{ urlPrefix: extender.url, preemptVerb: 'preempt', nodeCacheCapable: true }], {
      nodes: 2,
      cpus: 1,
    });
    const pods = await fill(cluster);
    await createPod(cluster, 'high', high);
    expect(await placed(cluster, 'high')).toBe('node-2');
    const uids = Object.fromEntries(
      pods.map(({ metadata, spec }) => [spec.nodeName, { pods: [{ uid: metadata.uid }], numPDBViolations: 0 }]),
    );
    expect(proposed[0]).toEqual(uids);
  });

  it('that leaves nothing, or names a stranger, makes no room', async () => {
    const answers = [{ nodeNameToMetaVictims: {} }, { nodeNameToMetaVictims: { 'node-1': { pods: [{ uid: 'stranger' }] } } }];
    for (const answer of answers) {
      await using extender = await startExtender({ preempt: () => answer });
      await using cluster = await startWith([{ urlPrefix: extender.url, preemptVerb: 'preempt' }], { nodes: 2, cpus: 1 });
      await fill(cluster);
      await createPod(cluster, 'high', high);
      expect(await refusal(cluster, 'high')).toMatch(/^Unschedulable: 0\/2 nodes are available: 2 Insufficient cpu\./);
      expect(extender.calls[0]?.body['nodeNameToVictims']).toHaveProperty(['node-1', 'pods', '0', 'metadata', 'name']);
      expect((await getPod(cluster, 'high')).status.nominatedNodeName).toBeUndefined();
    }
  });
});

describe('an extender over TLS', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const start = async (tls: { readonly clientCa?: string }, settings: object): Promise<{ extender: TestExtender; cluster: Cluster }> => {
    const extender = await startExtender({ filter: onlyThird }, tls);
    return { extender, cluster: await startWith([{ urlPrefix: extender.url, ...filtering, ...settings }]) };
  };

  it('is believed by its authority, and shown who asks', async () => {
    const pair = await authority.client({ name: 'scheduler', groups: [] });
    const [keyFile, caFile] = [join(directory, 'key.pem'), join(directory, 'ca.pem')];
    writeFileSync(keyFile, pair.key);
    writeFileSync(caFile, authority.ca);
    const tlsConfig = { caFile, keyFile, certData: base64(pair.cert) };
    const { extender, cluster } = await start({ clientCa: authority.ca }, { enableHTTPS: true, tlsConfig });
    await using _both = extender;
    await using _cluster = cluster;
    await createPod(cluster, 'p');
    expect(await placed(cluster, 'p')).toBe('node-3');
  });

  const rows: readonly [what: string, settings: object, said: RegExp | undefined][] = [
    ['without an authority is believed when HTTPS is switched on', { enableHTTPS: true }, undefined],
    ['is believed blindly when that is wanted', { tlsConfig: { insecure: true } }, undefined],
    ['is not believed otherwise', {}, /^SchedulerError: Post "https:\S+\/filter": .*certificate/],
  ];
  it.each(rows)('%s', async (_what, settings, said) => {
    const { extender, cluster } = await start({}, settings);
    await using _both = extender;
    await using _cluster = cluster;
    await createPod(cluster, 'p');
    if (said) expect(await refusal(cluster, 'p')).toMatch(said);
    else expect(await placed(cluster, 'p')).toBe('node-3');
  });

  it('with settings that contradict each other ends the start', async () => {
    const tlsConfig = { insecure: true, caData: base64(authority.ca) };
    const config = configurationFile({ urlPrefix: 'https://localhost', ...filtering, tlsConfig });
    expect(await schedulerFileFaults({ config })).toEqual(['specifying a root certificates file with the insecure flag is not allowed']);
  });
});
