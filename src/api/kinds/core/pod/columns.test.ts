import { expect, test } from 'vitest';
import { decode, definitionOf, type Manifest, row } from '../../strategy.suite.ts';

const pods = definitionOf('pods');
const metadata = { name: 'p', namespace: 'b', creationTimestamp: '2026-01-01T00:00:00Z' };
const container = (name: string, more: Manifest = {}): Manifest => ({ name, ...more });
const status = (name: string, more: Manifest = {}): Manifest => ({ name, image: '', imageID: '', ready: false, restartCount: 0, ...more });
const running = (name: string, more: Manifest = {}): Manifest => status(name, { ready: true, state: { running: {} }, ...more });
const waiting = (name: string, reason: string, more: Manifest = {}): Manifest => status(name, { state: { waiting: { reason } }, ...more });
const ended = (name: string, terminated: Manifest, more: Manifest = {}): Manifest => status(name, { state: { terminated }, ...more });

function check(
  pod: { readonly metadata?: Manifest; readonly spec?: Manifest; readonly status?: Manifest },
  expected: readonly [string, string, string],
): void {
  const manifest = {
    metadata: { ...metadata, ...pod.metadata },
    spec: { containers: [container('a'), container('b')], ...pod.spec },
    status: pod.status ?? {},
  };
  const { Ready, Status, Restarts } = row(pods, decode(pods, manifest));
  expect([Ready, Status, Restarts]).toEqual(expected);
}

test.each<[string, Parameters<typeof check>[0], [string, string, string]]>([
  ['just made', { status: { phase: 'Pending' } }, ['0/2', 'Pending', '0']],
  [
    'held by gates',
    { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] } },
    ['0/2', 'SchedulingGated', '0'],
  ],
  ['both run', { status: { phase: 'Running', containerStatuses: [running('a'), running('b')] } }, ['2/2', 'Running', '0']],
  [
    'one is not ready',
    { status: { phase: 'Running', containerStatuses: [running('a'), running('b', { ready: false })] } },
    ['1/2', 'Running', '0'],
  ],
  [
    'images are pulled',
    { status: { phase: 'Pending', containerStatuses: [waiting('a', 'ContainerCreating'), waiting('b', 'ImagePullBackOff')] } },
    ['0/2', 'ContainerCreating', '0'],
  ],
  [
    'one crashes',
    { status: { phase: 'Running', containerStatuses: [running('a'), waiting('b', 'CrashLoopBackOff', { restartCount: 3 })] } },
    ['1/2', 'CrashLoopBackOff', '3'],
  ],
  [
    'restarts say when the last was',
    {
      status: {
        phase: 'Running',
        containerStatuses: [
          running('a', { restartCount: 1, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:50:00Z' } } }),
          running('b', { restartCount: 2, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:58:00Z' } } }),
        ],
      },
    },
    ['2/2', 'Running', '3 (2m ago)'],
  ],
  ['the phase has a reason', { status: { phase: 'Failed', reason: 'Evicted' } }, ['0/2', 'Evicted', '0']],
  [
    'all ended well',
    {
      status: {
        phase: 'Succeeded',
        containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' }), ended('b', { exitCode: 0, reason: 'Completed' })],
      },
    },
    ['0/2', 'Completed', '0'],
  ],
  [
    'the first ended well, the second failed',
    {
      status: {
        phase: 'Failed',
        containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' }), ended('b', { exitCode: 1, reason: 'Error' })],
      },
    },
    ['0/2', 'Error', '0'],
  ],
  [
    'one ended well, one failed, one goes on',
    {
      spec: { containers: [container('a'), container('b'), container('c')] },
      status: {
        phase: 'Running',
        containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' }), running('b'), ended('c', { exitCode: 137, signal: 9 })],
      },
    },
    ['1/3', 'Signal:9', '0'],
  ],
  [
    'one ended with a code only',
    { status: { phase: 'Failed', containerStatuses: [ended('a', { exitCode: 7 })] } },
    ['0/2', 'ExitCode:7', '0'],
  ],
  [
    'one was killed by a signal',
    { status: { phase: 'Failed', containerStatuses: [ended('a', { exitCode: 137, signal: 9 })] } },
    ['0/2', 'Signal:9', '0'],
  ],
  [
    'one ran out of memory',
    { status: { phase: 'Failed', containerStatuses: [ended('a', { exitCode: 137, reason: 'OOMKilled' })] } },
    ['0/2', 'OOMKilled', '0'],
  ],
  [
    'one ended, one goes on, and the pod is ready',
    {
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' }), running('b')],
      },
    },
    ['1/2', 'Running', '0'],
  ],
  [
    'one ended, one goes on, and the pod is not ready',
    { status: { phase: 'Running', containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' }), running('b')] } },
    ['1/2', 'NotReady', '0'],
  ],
  [
    'being deleted',
    { metadata: { deletionTimestamp: 't' }, status: { phase: 'Running', containerStatuses: [running('a'), running('b')] } },
    ['2/2', 'Terminating', '0'],
  ],
  [
    'ended, then deleted',
    {
      metadata: { deletionTimestamp: 't' },
      status: { phase: 'Succeeded', containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' })] },
    },
    ['0/2', 'Completed', '0'],
  ],
  ['on a lost node', { metadata: { deletionTimestamp: 't' }, status: { phase: 'Running', reason: 'NodeLost' } }, ['0/2', 'Unknown', '0']],
  [
    'the first of two init containers runs',
    {
      spec: { initContainers: [container('i'), container('j')] },
      status: {
        phase: 'Pending',
        initContainerStatuses: [running('i', { ready: false }), waiting('j', 'PodInitializing')],
        containerStatuses: [waiting('a', 'PodInitializing')],
      },
    },
    ['0/2', 'Init:0/2', '0'],
  ],
  [
    'the first is through',
    {
      spec: { initContainers: [container('i'), container('j')] },
      status: { phase: 'Pending', initContainerStatuses: [ended('i', { exitCode: 0 }), waiting('j', 'PodInitializing')] },
    },
    ['0/2', 'Init:1/2', '0'],
  ],
  [
    'an init container fails',
    {
      spec: { initContainers: [container('i')] },
      status: { phase: 'Pending', initContainerStatuses: [ended('i', { exitCode: 1, reason: 'Error' }, { restartCount: 2 })] },
    },
    ['0/2', 'Init:Error', '2'],
  ],
  [
    'an init container waits before the next try',
    {
      spec: { initContainers: [container('i')] },
      status: { phase: 'Pending', initContainerStatuses: [waiting('i', 'CrashLoopBackOff', { restartCount: 5 })] },
    },
    ['0/2', 'Init:CrashLoopBackOff', '5'],
  ],
  [
    'an init container ended with a signal',
    {
      spec: { initContainers: [container('i')] },
      status: { phase: 'Pending', initContainerStatuses: [ended('i', { exitCode: 0 + 143, signal: 15 })] },
    },
    ['0/2', 'Init:Signal:15', '0'],
  ],
  [
    'restarts of init containers are forgotten once they are through',
    {
      spec: { initContainers: [container('i')] },
      status: {
        phase: 'Running',
        initContainerStatuses: [ended('i', { exitCode: 0 }, { restartCount: 4 })],
        containerStatuses: [running('a'), running('b')],
      },
    },
    ['2/2', 'Running', '0'],
  ],
  [
    'a sidecar counts as a container',
    {
      spec: { initContainers: [container('s', { restartPolicy: 'Always' })] },
      status: {
        phase: 'Running',
        initContainerStatuses: [running('s', { started: true, restartCount: 1 })],
        containerStatuses: [running('a'), running('b')],
      },
    },
    ['3/3', 'Running', '1'],
  ],
  [
    'a sidecar that has not started holds the pod up',
    {
      spec: { initContainers: [container('s', { restartPolicy: 'Always' })] },
      status: { phase: 'Pending', initContainerStatuses: [running('s', { ready: false, started: false })] },
    },
    ['0/3', 'Init:0/1', '0'],
  ],
  [
    'what a status does not say is zero',
    {
      spec: { initContainers: [container('i')] },
      status: {
        phase: 'Running',
        initContainerStatuses: [{ name: 'i', state: { terminated: {} } }],
        containerStatuses: [{ name: 'a' }, { name: 'b', state: { terminated: {} } }],
      },
    },
    ['0/2', 'ExitCode:0', '0'],
  ],
])('%s', (_name, pod, expected) => check(pod, expected));

test('the wide columns', () => {
  const bare = row(pods, decode(pods, { metadata, spec: { containers: [] } }));
  expect(bare).toMatchObject({
    Name: 'p',
    Age: '60m',
    IP: '<none>',
    Node: '<none>',
    'Nominated Node': '<none>',
    'Readiness Gates': '<none>',
  });
  const full = decode(pods, {
    metadata,
    spec: { containers: [], nodeName: 'n1', readinessGates: [{ conditionType: 'x/a' }, { conditionType: 'x/b' }] },
    status: { podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], nominatedNodeName: 'n2', conditions: [{ type: 'x/a', status: 'True' }] },
  });
  expect(row(pods, full)).toMatchObject({ IP: '10.0.0.1', Node: 'n1', 'Nominated Node': 'n2', 'Readiness Gates': '1/2' });
});

test('fields to select by', () => {
  const pod = decode(pods, {
    metadata,
    spec: { containers: [], nodeName: 'n1', hostNetwork: true, serviceAccount: 'sa' },
    status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], nominatedNodeName: 'n2' },
  });
  const read = Object.fromEntries(Object.entries(pods.selectableFields).map(([field, reader]) => [field, reader(pod)]));
  expect(read).toEqual({
    'spec.nodeName': 'n1',
    'spec.host': 'n1',
    'spec.restartPolicy': 'Always',
    'spec.schedulerName': 'default-scheduler',
    'spec.serviceAccountName': 'sa',
    'spec.hostNetwork': 'true',
    'status.phase': 'Running',
    'status.podIP': '10.0.0.1',
    'status.podIPs': '',
    'status.nominatedNodeName': 'n2',
  });
});
