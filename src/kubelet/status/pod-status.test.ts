import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { testContainer, testPod, testSandbox, testView } from '../pods/testing.ts';
import type { ContainerView } from '../pods/pod-view.ts';
import type { WaitingReason } from './container-statuses.ts';
import { podStatus, type PodStatusInput, rejectedStatus } from './pod-status.ts';

type Instance = readonly [name: string, fields?: Partial<ContainerView>];

function statusOf(spec: Partial<corev1.PodSpec>, instances: readonly Instance[], input: Partial<PodStatusInput> = {}): corev1.PodStatus {
  const pod = testPod(spec, { generation: 4 });
  return podStatus({
    pod,
    view: testView(instances.map(([name, fields]) => testContainer(pod, name, fields))),
    previous: undefined,
    waiting: new Map(),
    messages: new Map(),
    probes: () => ({ started: true, ready: true }),
    runtimeName: 'containerd',
    hostIps: ['10.0.0.1'],
    ended: false,
    verdict: undefined,
    startTime: '2026-01-01T00:00:00Z',
    ...input,
  });
}

const exited = (exitCode: number): Partial<ContainerView> => ({ state: 'exited', exitCode });
const condition = (status: corev1.PodStatus, type: string) => status.conditions?.find((each) => each.type === type);

describe('the phase', () => {
  const main = { name: 'main', image: 'a' };
  const other = { name: 'other', image: 'b' };
  const init = { initContainers: [{ name: 'init', image: 'i' }] };
  const side = { initContainers: [{ name: 'side', image: 's', restartPolicy: 'Always' }] };
  const rows: readonly (readonly [
    title: string,
    spec: Partial<corev1.PodSpec>,
    instances: readonly Instance[],
    phase: string,
    ended?: boolean,
  ])[] = [
    ['nothing runs yet', {}, [], 'Pending'],
    ['all run', {}, [['main']], 'Running'],
    ['one is still to be made', { containers: [main, other] }, [['main']], 'Pending'],
    [
      'one has ended and the other runs',
      { containers: [main, other], restartPolicy: 'Never' },
      [['main', exited(1)], ['other']],
      'Running',
    ],
    ['all ended well, and would be restarted', {}, [['main', exited(0)]], 'Running'],
    ['all ended well, OnFailure', { restartPolicy: 'OnFailure' }, [['main', exited(0)]], 'Succeeded'],
    ['ended badly, OnFailure', { restartPolicy: 'OnFailure' }, [['main', exited(1)]], 'Running'],
    ['ended badly, Never', { restartPolicy: 'Never' }, [['main', exited(1)]], 'Failed'],
    ['stopped by the kubelet, well', {}, [['main', exited(0)]], 'Succeeded', true],
    ['stopped by the kubelet, badly', {}, [['main', exited(143)]], 'Failed', true],
    ['stopped by the kubelet before anything ran', {}, [], 'Failed', true],
    ['initializing', init, [['init']], 'Pending'],
    ['initialized and not yet started', init, [['init', exited(0)]], 'Pending'],
    ['initialization failed', init, [['init', exited(1)]], 'Pending'],
    ['initialization failed, Never', { ...init, restartPolicy: 'Never' }, [['init', exited(1)]], 'Failed'],
    ['a sidecar restarts beside a running container', side, [['main'], ['side', exited(1)]], 'Running'],
  ];
  for (const [title, spec, instances, phase, ended = false] of rows) {
    it(`${title}: ${phase}`, () => {
      expect(statusOf(spec, instances, { ended }).phase).toBe(phase);
    });
  }

  it('once ended, it stays as it ended', () => {
    const previous = { phase: 'Failed', reason: 'Evicted', message: 'no room' } as const;
    expect(statusOf({}, [['main']], { previous })).toMatchObject(previous);
  });
});

describe('container statuses', () => {
  it('a container that is not made yet waits for its creation or for initialization', () => {
    expect(statusOf({}, []).containerStatuses).toMatchObject([
      {
        name: 'main',
        state: { waiting: { reason: 'ContainerCreating' } },
        image: 'nginx',
        imageID: '',
        ready: false,
        started: false,
        restartCount: 0,
      },
    ]);
    const initializing = statusOf({ initContainers: [{ name: 'init', image: 'i' }] }, []);
    expect(initializing.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
    expect(initializing.initContainerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
  });

  it('shows why the next start has to wait, and how the last one ended', () => {
    const waiting = new Map<string, WaitingReason>([['main', { reason: 'CrashLoopBackOff', message: 'back-off 10s …' }]]);
    const [main] = statusOf({}, [['main', { ...exited(3), reason: 'Error', restartCount: 2 }]], { waiting }).containerStatuses!;
    expect(main).toMatchObject({
      restartCount: 2,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s …' } },
      lastState: {
        terminated: {
          exitCode: 3,
          reason: 'Error',
          startedAt: '2026-01-01T00:00:00Z',
          finishedAt: '2026-01-01T00:00:10Z',
          containerID: 'containerd://id-main-2',
        },
      },
    });
  });

  it('shows a final end, whatever was tried before', () => {
    const waiting = new Map<string, WaitingReason>([['main', { reason: 'RunContainerError', message: 'x' }]]);
    const [main] = statusOf({ restartPolicy: 'Never' }, [['main', exited(1)]], { waiting }).containerStatuses!;
    expect(main!.state?.terminated?.exitCode).toBe(1);
  });

  it('keeps what was stored of an end that the engine has forgotten', () => {
    const last = { terminated: { exitCode: 9, containerID: 'containerd://old' } };
    const previous = {
      containerStatuses: [
        { name: 'main', image: '', imageID: '', ready: true, restartCount: 1, containerID: 'containerd://id-main-1', lastState: last },
      ],
    };
    expect(statusOf({}, [['main', { restartCount: 1 }]], { previous }).containerStatuses?.[0]?.lastState).toEqual(last);
  });

  it('says that a container which ran and is gone has ended somehow', () => {
    const previous = {
      containerStatuses: [
        { name: 'main', image: '', imageID: '', ready: true, restartCount: 1, state: { running: {} }, containerID: 'containerd://lost' },
      ],
    };
    expect(statusOf({}, [], { previous }).containerStatuses?.[0]).toMatchObject({
      restartCount: 2,
      lastState: {
        terminated: {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was deleted.  The container used to be Running',
        },
      },
    });
  });

  it('what was never found of a pod that ended has ended unseen', () => {
    const spec = { containers: [{ name: 'a' }, { name: 'b' }] };
    const [, b] = statusOf(spec, [['a', exited(0)]], { ended: true }).containerStatuses!;
    expect(b!.state).toEqual({
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
      },
    });
  });

  it('a probed container is started and ready when its probes say so', () => {
    const [main] = statusOf({}, [['main']], { probes: () => ({ started: true, ready: false }) }).containerStatuses!;
    expect(main).toMatchObject({ started: true, ready: false });
  });
});

describe('conditions', () => {
  it('all hold for a running pod', () => {
    const status = statusOf({}, [['main']]);
    expect(status.conditions?.map(({ type, status: holds, observedGeneration }) => `${type}=${holds}@${observedGeneration}`)).toEqual([
      'PodReadyToStartContainers=True@4',
      'Initialized=True@4',
      'Ready=True@4',
      'ContainersReady=True@4',
      'PodScheduled=True@4',
    ]);
  });

  it('names containers that are not ready', () => {
    const status = statusOf({ containers: [{ name: 'a' }, { name: 'b' }] }, [['a'], ['b']], {
      probes: () => ({ started: true, ready: false }),
    });
    expect(condition(status, 'ContainersReady')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [a b]',
    });
  });

  it('waits for readiness gates', () => {
    const pod = { readinessGates: [{ conditionType: 'example.com/open' }] };
    expect(condition(statusOf(pod, [['main']]), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message: 'corresponding condition of pod readiness gate "example.com/open" does not exist.',
    });
    expect(condition(statusOf(pod, [['main']]), 'ContainersReady')?.status).toBe('True');
  });

  it('names init containers that have not succeeded', () => {
    const status = statusOf({ initContainers: [{ name: 'init', image: 'i' }] }, [['init']]);
    expect(condition(status, 'Initialized')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [init]',
    });
  });

  it('an ended pod is not ready, for that reason', () => {
    expect(condition(statusOf({ restartPolicy: 'Never' }, [['main', exited(0)]]), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    });
    expect(condition(statusOf({ restartPolicy: 'Never' }, [['main', exited(1)]]), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodFailed',
    });
  });

  it('without a sandbox nothing can start', () => {
    const pod = testPod();
    const status = statusOf({}, [], { view: testView([], [testSandbox({ state: 'notReady' })]), pod });
    expect(condition(status, 'PodReadyToStartContainers')?.status).toBe('False');
  });
});

describe('addresses', () => {
  it("are the sandbox's, and stay when it is gone", () => {
    expect(statusOf({}, [['main']])).toMatchObject({ podIP: '10.244.0.2', podIPs: [{ ip: '10.244.0.2' }], hostIP: '10.0.0.1' });
    const previous = { podIP: '10.244.0.7', podIPs: [{ ip: '10.244.0.7' }] };
    expect(statusOf({}, [], { view: testView([], []), previous })).toMatchObject(previous);
  });
  it("are the node's on the node's network", () => {
    expect(statusOf({ hostNetwork: true }, [['main']])).toMatchObject({ podIP: '10.0.0.1', hostIPs: [{ ip: '10.0.0.1' }] });
  });
});

it('a refused pod has failed without containers', () => {
  const status = rejectedStatus(testPod(), { reason: 'OutOfcpu', message: 'Pod was rejected: …' }, '2026-01-01T00:00:00Z');
  expect(status).toEqual({
    phase: 'Failed',
    reason: 'OutOfcpu',
    message: 'Pod was rejected: …',
    startTime: '2026-01-01T00:00:00Z',
    qosClass: 'BestEffort',
  });
});
