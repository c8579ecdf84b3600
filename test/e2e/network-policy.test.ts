import { beforeAll, describe, expect, test } from 'vitest';
import { toolbox } from './images.ts';
import { unavailable, useKubectl } from './kubectl.ts';

const policy = (name: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name }, spec });
const server = (): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'server', labels: { pod: 'server' } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [80, 81].map((port) => ({
        name: `on-${port}`,
        image: toolbox,
        args: ['-c', `mkdir -p /tmp/www; echo yes > /tmp/www/index.html; exec httpd -f -p ${port} -h /tmp/www`],
        ports: [{ name: `serve-${port}`, containerPort: port }],
      })),
    },
  });
const client = (name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { pod: name } },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: toolbox, args: ['-c', 'exec sleep 3600'] }] },
  });

const selectServer = { podSelector: { matchLabels: { pod: 'server' } } };
const fromA = [{ podSelector: { matchLabels: { pod: 'a' } } }];
/** Who reaches port 80, and port 81: `a80 a81 b80 b81`. */
const cases: readonly (readonly [string, object, string])[] = [
  ['nothing may come in', { ...selectServer, policyTypes: ['Ingress'] }, 'no no no no'],
  ['everything may come in', { ...selectServer, ingress: [{}] }, 'yes yes yes yes'],
  ['pods by label', { ...selectServer, ingress: [{ from: fromA }] }, 'yes yes no no'],
  ['a port by number', { ...selectServer, ingress: [{ ports: [{ port: 81 }] }] }, 'no yes no yes'],
  ['a port by name, of one pod', { ...selectServer, ingress: [{ from: fromA, ports: [{ port: 'serve-80' }] }] }, 'yes no no no'],
  ['a range of ports', { ...selectServer, ingress: [{ ports: [{ port: 80, endPort: 81 }] }] }, 'yes yes yes yes'],
  ['another protocol only', { ...selectServer, ingress: [{ ports: [{ protocol: 'UDP', port: 80 }] }] }, 'no no no no'],
  ['every address', { ...selectServer, ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] }, 'yes yes yes yes'],
  [
    'namespaces by label',
    { ...selectServer, ingress: [{ from: [{ namespaceSelector: { matchLabels: { none: 'such' } } }] }] },
    'no no no no',
  ],
  ['nothing may go out of one', { podSelector: { matchLabels: { pod: 'a' } }, policyTypes: ['Egress'] }, 'no no yes yes'],
  [
    'a named port may be asked',
    {
      podSelector: { matchLabels: { pod: 'b' } },
      policyTypes: ['Egress'],
      egress: [{ to: [selectServer], ports: [{ port: 'serve-81' }] }],
    },
    'yes yes no yes',
  ],
];

describe.skipIf(unavailable)('NetworkPolicies', () => {
  const kubectl = useKubectl('e2e-network-policy');
  let address = '';

  beforeAll(async () => {
    if (unavailable) return;
    await kubectl(['apply', '-f', '-'], { input: `${server()}\n---\n${client('a')}\n---\n${client('b')}` });
    await kubectl(['wait', 'pod', '--all', '--for=condition=Ready', '--timeout=60s']);
    address = await kubectl(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
  });

  const reach = async (from: string): Promise<string> => {
    const ask = (port: number): string => `(timeout 1 wget -qO- http://${address}:${port}/ || echo no)`;
    return (
      await kubectl(['exec', from, '--', 'sh', '-c', `${ask(80)} > /tmp/80 & ${ask(81)} > /tmp/81; wait; echo $(cat /tmp/80 /tmp/81)`])
    ).trim();
  };
  const everyone = async (): Promise<string> => (await Promise.all([reach('a'), reach('b')])).join(' ');
  const shows = (expected: string): Promise<void> => expect.poll(everyone, { timeout: 20_000 }).toBe(expected);

  for (const [name, spec, expected] of cases) {
    test(`${name}: before, with and after the policy`, async () => {
      await shows('yes yes yes yes');
      await kubectl(['apply', '-f', '-'], { input: policy('only', spec) });
      await shows(expected);
      await kubectl(['delete', 'networkpolicy', 'only']);
      await shows('yes yes yes yes');
    }, 60_000);
  }

  test('several policies allow together what each of them allows', async () => {
    await kubectl(['apply', '-f', '-'], { input: policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }) });
    await shows('no no no no');
    await kubectl(['apply', '-f', '-'], { input: policy('allow', { ...selectServer, ingress: [{ from: fromA }] }) });
    await shows('yes yes no no');
    await kubectl(['label', 'pod', 'b', 'pod=a', '--overwrite']);
    await shows('yes yes yes yes');
    await kubectl(['label', 'pod', 'b', 'pod=b', '--overwrite']);
    await shows('yes yes no no');
    await kubectl(['delete', 'networkpolicy', '--all']);
  }, 60_000);
});
