/**
 * NetworkPolicies between pods of three namespaces on two nodes. Every row sees new and open connections of all pods before the policies,
 * with them and after them.
 */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unavailable } from './kubectl.ts';
import { type Door, hostPod, placed, PolicyLab, type Reach, tcp80, tcp81, udp } from './policy-lab.ts';

type Spec = Readonly<Record<string, unknown>>;

const policy = (at: string, spec: Spec): object => {
  const [namespace, name] = at.split('/');
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace, name }, spec };
};
const pods = (...names: string[]): object => ({ podSelector: { matchExpressions: [{ key: 'pod', operator: 'In', values: names }] } });
const pod = (name: string): object => ({ podSelector: { matchLabels: { pod: name } } });
const namespaceKey = 'kubernetes.io/metadata.name';
const namespace = (name: string): object => ({ namespaceSelector: { matchLabels: { [namespaceKey]: name } } });
const namespaces = (operator: 'In' | 'NotIn', ...values: string[]): object => ({
  namespaceSelector: { matchExpressions: [{ key: namespaceKey, operator, values }] },
});

const everything: Reach = () => true;
const isPod = (name: string): boolean => name !== hostPod;
const isIn = (name: string, ...spaces: string[]): boolean => spaces.includes(name.split('/')[0]!);
/** Into `to` only `from`; elsewhere everything. */
const into =
  (to: string, from: (name: string) => boolean): Reach =>
  (asker, asked) =>
    asked !== to || from(asker);
const outOf =
  (from: string, to: (name: string, door: Door) => boolean): Reach =>
  (asker, asked, door) =>
    asker !== from || to(asked, door);
const ingress = (rule: object): Spec => ({ ...pod('a'), policyTypes: ['Ingress'], ingress: [rule] });
const egress = (rule: object): Spec => ({ ...pod('a'), policyTypes: ['Egress'], egress: [rule] });

/** Policies by `namespace/name`, what they leave, and where one looks. */
type Row = readonly [name: string, policies: Readonly<Record<string, Spec>>, reach: Reach, doors?: readonly Door[]];

const rows: readonly Row[] = [
  [
    'nothing may come into a namespace',
    { 'x/p': { podSelector: {}, policyTypes: ['Ingress'] } },
    (_from, to) => !isIn(to, 'x'),
    [tcp80, udp],
  ],
  ['nothing may go out of a namespace', { 'x/p': { podSelector: {}, policyTypes: ['Egress'] } }, (from) => !isIn(from, 'x'), [tcp80, udp]],
  [
    'nothing may come in or go out',
    { 'x/p': { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
    (from, to) => !isIn(from, 'x') && !isIn(to, 'x'),
  ],
  ['a policy without types speaks of what comes in', { 'x/p': { ...pod('a') } }, into('x/a', () => false)],
  [
    'an empty rule allows everything',
    { 'x/p': { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] } },
    everything,
  ],
  ['pods of the same namespace by label', { 'x/p': ingress({ from: [pod('b')] }) }, into('x/a', (from) => from === 'x/b')],
  ['pods by expressions', { 'x/p': ingress({ from: [pods('b', 'none')] }) }, into('x/a', (from) => from === 'x/b')],
  ['every pod of the same namespace', { 'x/p': ingress({ from: [{ podSelector: {} }] }) }, into('x/a', (from) => isIn(from, 'x'))],
  ['a namespace by label', { 'x/p': ingress({ from: [namespace('y')] }) }, into('x/a', (from) => isIn(from, 'y'))],
  ['namespaces by expressions', { 'x/p': ingress({ from: [namespaces('NotIn', 'x', 'z')] }) }, into('x/a', (from) => isIn(from, 'y'))],
  ['pods of all namespaces', { 'x/p': ingress({ from: [{ namespaceSelector: {} }] }) }, into('x/a', isPod)],
  [
    'one peer of namespaces and pods means both',
    { 'x/p': ingress({ from: [{ ...namespaces('NotIn', 'x'), ...pod('b') }] }) },
    into('x/a', (from) => from === 'y/b' || from === 'z/b'),
  ],
  [
    'two peers mean either',
    { 'x/p': ingress({ from: [namespaces('In', 'y'), pod('b')] }) },
    into('x/a', (from) => from === 'x/b' || isIn(from, 'y')),
  ],
  ['a peer that selects nobody', { 'x/p': ingress({ from: [pod('nobody')] }) }, into('x/a', () => false)],
  ['a policy that selects nobody', { 'x/p': { ...pod('nobody'), policyTypes: ['Ingress', 'Egress'] } }, everything],
  [
    'out to pods of a namespace',
    { 'x/p': egress({ to: [{ ...namespace('y'), ...pod('a') }] }) },
    outOf('x/a', (to) => to === 'y/a'),
    [tcp80, udp],
  ],
  [
    'out of one and into another: both must agree',
    { 'x/p': egress({ to: [namespace('y')] }), 'y/p': ingress({ from: [namespace('x')] }) },
    (from, to) => (from !== 'x/a' || isIn(to, 'y')) && (to !== 'y/a' || isIn(from, 'x')),
  ],
  [
    'several policies allow what each of them allows',
    {
      'x/deny': { podSelector: {}, policyTypes: ['Ingress'] },
      'x/one': ingress({ from: [pod('b')], ports: [{ port: 80 }] }),
      'x/two': ingress({ from: [namespace('y')], ports: [{ port: 81 }] }),
    },
    (from, to, { port }) => !isIn(to, 'x') || (to === 'x/a' && (port === 80 ? from === 'x/b' : isIn(from, 'y'))),
    [tcp80, tcp81],
  ],
  ['a port by number', { 'x/p': ingress({ ports: [{ port: 81 }] }) }, (_from, to, { port }) => to !== 'x/a' || port === 81, [tcp80, tcp81]],
  ['a port by name, in', { 'y/p': { podSelector: {}, ingress: [{ ports: [{ port: 'web' }] }] } }, byName, [tcp80, tcp81, udp]],
  [
    'a port by name, out: each pod has its own number',
    { 'x/p': egress({ to: [{ namespaceSelector: {} }], ports: [{ port: 'web' }] }) },
    (from, to, door) => from !== 'x/a' || door === (to === 'y/b' ? tcp81 : tcp80),
    [tcp80, tcp81, udp],
  ],
  [
    'a name that no port has',
    { 'x/p': ingress({ ports: [{ port: 'none' }] }), 'z/p': egress({ ports: [{ port: 'none' }] }) },
    (from, to) => to !== 'x/a' && from !== 'z/a',
  ],
  [
    'a range of ports',
    { 'x/p': ingress({ ports: [{ port: 81, endPort: 90 }] }) },
    (_from, to, door) => to !== 'x/a' || door === tcp81,
    [tcp80, tcp81],
  ],
  [
    'a range of ports, out',
    { 'x/p': egress({ ports: [{ port: 70, endPort: 80 }] }) },
    outOf('x/a', (_to, door) => door === tcp80),
    [tcp80, tcp81],
  ],
  [
    'one protocol leaves out the others',
    { 'x/p': ingress({ ports: [{ protocol: 'UDP', port: 'ask' }] }), 'y/p': ingress({ ports: [{ protocol: 'TCP' }] }) },
    (_from, to, { protocol }) => (to !== 'x/a' || protocol === 'udp') && (to !== 'y/a' || protocol === 'tcp'),
    [tcp80, tcp81, udp],
  ],
  ['SCTP alone leaves out TCP', { 'x/p': ingress({ ports: [{ protocol: 'SCTP', port: 80 }] }) }, into('x/a', () => false)],
];

function byName(_from: string, to: string, door: Door): boolean {
  return !isIn(to, 'y') || door === (to === 'y/b' ? tcp81 : tcp80);
}

describe.skipIf(unavailable)('NetworkPolicies', () => {
  let lab: PolicyLab;

  beforeAll(async () => {
    if (unavailable) return;
    lab = new PolicyLab(`p${process.pid}`);
    await lab.open();
  });
  afterAll(() => lab?.close());

  /** Puts these policies in the place of the others; what follows sees them. */
  const set = (policies: Readonly<Record<string, Spec>>): Promise<void> =>
    lab.apply(...Object.entries(policies).map(([at, spec]) => policy(at, spec)));
  const label = (kind: string, at: string, ...labels: string[]): Promise<string> => {
    const [first = '', name] = at.split('/');
    return lab.cluster.kubectl(['label', kind, ...(name ? ['-n', first, name] : [first]), '--overwrite', ...labels]);
  };
  const open = async (doors?: readonly Door[]): Promise<void> => {
    await lab.removePolicies();
    await lab.shows(everything, doors);
  };

  test('without a policy everything is open', () => lab.shows(everything, [tcp80, tcp81, udp]));

  for (const [name, policies, reach, doors] of rows) {
    test(name, async ({ onTestFailed }) => {
      onTestFailed(() => lab.removePolicies());
      await set(policies);
      await lab.shows(reach, doors);
      await open(doors);
    });
  }

  test('addresses but for some, in and out', async () => {
    const ranges = (await lab.cluster.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].spec.podCIDR}'])).split(' ');
    const only = (pod: string): string => `${lab.address(pod)}/32`;
    const block = (cidr: string, ...without: string[]): object => ({ ipBlock: { cidr, except: without.map(only) } });
    await set({ 'x/p': ingress({ from: ranges.map((cidr) => block(cidr)) }), 'z/p': egress({ to: [block(only('y/a'))] }) });
    await lab.shows((from, to) => from !== 'z/a' || to === 'y/a');
    const excluded = ['x/b', 'z/b', 'y/b'];
    const holes = (cidr: string): string[] => excluded.filter((pod) => lab.address(pod).startsWith(cidr.replace(/\d+\/\d+$/, '')));
    const peers = ranges.map((cidr) => block(cidr, ...holes(cidr)));
    await set({ 'x/p': ingress({ from: peers }), 'z/p': egress({ to: peers }) });
    await lab.shows((from, to) => (to !== 'x/a' || !excluded.includes(from)) && (from !== 'z/a' || !excluded.includes(to)));
    await open();
  });

  test('changes of a policy, of a pod and of a namespace', async () => {
    await set({ 'x/p': ingress({ from: [pod('b')] }) });
    await lab.shows(into('x/a', (from) => from === 'x/b'));
    await set({ 'x/p': ingress({ from: [namespace('y')] }) });
    await lab.shows(into('x/a', (from) => isIn(from, 'y')));
    await set({
      'x/p': ingress({ from: [{ namespaceSelector: { matchLabels: { team: 'red' } }, podSelector: { matchLabels: { may: 'ask' } } }] }),
    });
    await lab.shows(into('x/a', () => false));
    await label('pod', 'z/b', 'may=ask');
    await label('namespace', 'z', 'team=red');
    await lab.shows(into('x/a', (from) => from === 'z/b'));
    await label('pod', 'z/b', 'may-');
    await label('pod', 'z/a', 'may=ask');
    await lab.shows(into('x/a', (from) => from === 'z/a'));
    await label('namespace', 'z', 'team=blue');
    await lab.shows(into('x/a', () => false));
    await label('pod', 'x/a', 'pod=other');
    await lab.shows(everything);
    await label('pod', 'x/a', 'pod=a');
    await lab.shows(into('x/a', () => false));
    await Promise.all([label('pod', 'z/a', 'may-'), label('namespace', 'z', 'team-'), open()]);
  });

  test('the way out through a Service is judged by the pod behind it', async () => {
    const ports = [{ port: 8000, targetPort: 80 }];
    await lab.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'y', name: 'web' },
      spec: { selector: { pod: 'a' }, ports },
    });
    const host = await lab.cluster.kubectl(['get', 'service', '-n', 'y', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
    const service = { host, port: 8000 };
    const shows = (expected: string): Promise<void> => expect.poll(() => lab.lookAt('x/a', service), { timeout: 20_000 }).toBe(expected);
    await expect.poll(() => lab.holdOpen('x/a', service)).toBe('open');
    await shows('open, answered');
    await set({ 'x/p': egress({ to: [{ ...namespace('y'), ...pod('b') }] }) });
    await shows('TIMEOUT, TIMEOUT');
    await set({ 'x/p': egress({ to: [{ ...namespace('y'), ...pod('a') }], ports: [{ port: 80 }] }) });
    await shows('open, answered');
    await set({ 'x/p': egress({ ports: [{ port: 8000 }] }) });
    await shows('TIMEOUT, TIMEOUT');
    await lab.removePolicies();
    await shows('open, answered');
  });

  test('who comes from outside through a node port is known by address', async () => {
    const spec = { type: 'NodePort', externalTrafficPolicy: 'Local', selector: { pod: 'a' }, ports: [{ port: 80 }] };
    await lab.apply({ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'y', name: 'outside' }, spec });
    const port = Number(await lab.cluster.kubectl(['get', 'service', '-n', 'y', 'outside', '-o', 'jsonpath={.spec.ports[0].nodePort}']));
    const addresses = 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}';
    const host = await lab.cluster.kubectl(['get', 'node', lab.nodeName(placed['y/a']!), '-o', addresses]);
    await expect.poll(() => askOnce(host, port), { timeout: 20_000 }).toBe('answered');
    const held = await connectTo(host, port);
    const own = held.localAddress!;
    const shows = (expected: string): Promise<void> =>
      expect.poll(async () => (await Promise.all([askOnce(host, port), askOver(held)])).join(', '), { timeout: 20_000 }).toBe(expected);
    await shows('answered, answered');
    await set({ 'y/p': ingress({ from: [{ namespaceSelector: {} }] }) });
    await shows('TIMEOUT, TIMEOUT');
    await set({ 'y/p': ingress({ from: [{ ipBlock: { cidr: `${own}/32` } }], ports: [{ port: 'web' }] }) });
    await shows('answered, answered');
    await set({ 'y/p': ingress({ from: [{ ipBlock: { cidr: '0.0.0.0/0', except: [`${own}/32`] } }] }) });
    await shows('TIMEOUT, TIMEOUT');
    await lab.removePolicies();
    await shows('answered, answered');
    held.destroy();
  });

  test('a node reaches its own pods whatever policies say, and no others', async () => {
    await set({ 'x/p': { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } });
    await lab.shows((from, to) => !isIn(from, 'x') && !isIn(to, 'x'));
    expect(await lab.ask('x/a', '/hostname', 1)).toBe('a');
    expect(await lab.ask('x/a', '/hostname', 2)).not.toBe('a');
    await open();
  });

  test('what is denied stays so while agents die and come back amid changes', async () => {
    await set({ 'x/p': ingress({ from: [pod('b')] }) });
    await lab.shows(into('x/a', (from) => from === 'x/b'));
    const seen = new Set<string>();
    let over = false;
    const watching = (async (): Promise<void> => {
      while (!over) seen.add(await lab.look('y/a', 'x/a', tcp80));
    })();
    for (const round of [1, 2, 3]) {
      const before = await lab.cluster.pid('agent-1');
      await set({ [`x/more-${round}`]: ingress({ from: [pod('none')], ports: [{ port: 1000 + round }] }) });
      process.kill(before, 'SIGKILL');
      await set({ [`x/again-${round}`]: ingress({ from: [pod('c')], ports: [{ port: 80 }] }) });
      await expect.poll(() => lab.cluster.whole(), { timeout: 60_000 }).toBe(true);
      await lab.shows(into('x/a', (from) => from === 'x/b' || from === 'x/c'));
      await lab.cluster.kubectl(['delete', 'networkpolicy', '-n', 'x', `again-${round}`]);
      await lab.shows(into('x/a', (from) => from === 'x/b'));
    }
    over = true;
    await watching;
    expect([...seen]).toEqual(['TIMEOUT, TIMEOUT']);
    await open();
  });
});

function connectTo(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error('TIMEOUT')), 600);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.on('error', reject);
  });
}

function askOver(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const end = (text: string): void => {
      clearTimeout(timer);
      socket.off('data', take);
      resolve(text);
    };
    const take = (): void => end('answered');
    const timer = setTimeout(() => end('TIMEOUT'), 600);
    socket.on('data', take).write('GET / HTTP/1.1\r\nHost: held\r\n\r\n');
  });
}

async function askOnce(host: string, port: number): Promise<string> {
  try {
    const socket = await connectTo(host, port);
    const answer = await askOver(socket);
    socket.destroy();
    return answer;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}
