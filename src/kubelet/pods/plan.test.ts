import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { planPod, type PodPlan, type ProbeVerdict } from './plan.ts';
import type { ContainerView } from './pod-view.ts';
import { testContainer, testPod, testSandbox, testView } from './testing.ts';

const silent: ProbeVerdict = () => undefined;

/** The plan as one readable line. */
function text(plan: PodPlan): string {
  const parts = [
    plan.killPod ? 'kill pod' : '',
    plan.createSandbox ? `sandbox ${plan.attempt}` : '',
    ...plan.toKill.map(({ container, message }) => `kill ${container.name} (${message})`),
    ...plan.ephemeralToStart.map(({ name }) => `start ephemeral ${name}`),
    ...plan.initToStart.map(({ name }) => `start init ${name}`),
    ...plan.containersToStart.map(({ name }) => `start ${name}`),
  ];
  return parts.filter((part) => part !== '').join(', ') || 'nothing';
}

type Instance = readonly [name: string, fields?: Partial<ContainerView>];

function check(
  title: string,
  spec: Partial<corev1.PodSpec>,
  instances: readonly Instance[] | 'no sandbox',
  expected: string,
  verdict: ProbeVerdict = silent,
): void {
  it(title, () => {
    const pod = testPod(spec);
    const view =
      instances === 'no sandbox' ? testView([], []) : testView(instances.map(([name, fields]) => testContainer(pod, name, fields)));
    expect(text(planPod(pod, view, verdict))).toBe(expected);
  });
}

const main = { name: 'main', image: 'nginx' };
const other = { name: 'other', image: 'redis' };
const exited = (exitCode: number): Partial<ContainerView> => ({ state: 'exited', exitCode });

describe('regular containers', () => {
  check(
    'a new pod gets a sandbox and all its containers',
    { containers: [main, other] },
    'no sandbox',
    'kill pod, sandbox 0, start main, start other',
  );
  check('a running pod is left alone', {}, [['main']], 'nothing');
  check('a missing container is started', { containers: [main, other] }, [['main']], 'start other');
  check('an ended container is restarted by default', {}, [['main', exited(0)]], 'start main');
  check('OnFailure restarts after a failure', { restartPolicy: 'OnFailure' }, [['main', exited(1)]], 'start main');
  check('OnFailure ends the pod after success', { restartPolicy: 'OnFailure' }, [['main', exited(0)]], 'kill pod');
  check('Never ends the pod', { restartPolicy: 'Never' }, [['main', exited(1)]], 'kill pod');
  check(
    'Never leaves the others running',
    { restartPolicy: 'Never', containers: [main, other] },
    [['main', exited(1)], ['other']],
    'nothing',
  );
  check('a container that was made and never started is made anew', {}, [['main', { state: 'created' }]], 'start main');
  check(
    'a container in an unknown state is killed first',
    {},
    [['main', { state: 'unknown' }]],
    'kill main (Container is in "unknown" state, try killing it before restart), start main',
  );
  check(
    'a changed image restarts the container',
    {},
    [['main', { hash: 'ffffffff' }]],
    'kill main (Container main definition changed, will be restarted), start main',
  );
});

describe('container restart policies and rules', () => {
  const always = { ...main, restartPolicy: 'Always' };
  const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
  check("a container's own policy beats the pod's", { restartPolicy: 'Never', containers: [always] }, [['main', exited(1)]], 'start main');
  const ruled = { ...main, restartPolicy: 'Never', restartPolicyRules: rules };
  check('a rule for the exit code restarts', { restartPolicy: 'Never', containers: [ruled] }, [['main', exited(42)]], 'start main');
  check('another exit code does not', { restartPolicy: 'Never', containers: [ruled] }, [['main', exited(1)]], 'kill pod');
});

describe('probes', () => {
  const probed = { ...main, livenessProbe: {}, startupProbe: {} };
  const failing =
    (kind: 'liveness' | 'startup'): ProbeVerdict =>
    (_, probe) =>
      probe === kind ? 'failure' : 'success';
  check(
    'a failed liveness probe restarts',
    { containers: [probed] },
    [['main']],
    'kill main (Container main failed liveness probe, will be restarted), start main',
    failing('liveness'),
  );
  check(
    'a failed startup probe restarts',
    { containers: [probed] },
    [['main']],
    'kill main (Container main failed startup probe, will be restarted), start main',
    failing('startup'),
  );
  check(
    'with Never it only kills',
    { restartPolicy: 'Never', containers: [probed] },
    [['main']],
    'kill main (Container main failed liveness probe)',
    failing('liveness'),
  );
});

describe('init containers', () => {
  const first = { name: 'first', image: 'a' };
  const second = { name: 'second', image: 'b' };
  const init = { initContainers: [first, second] };
  check('a new pod starts with the first one', init, 'no sandbox', 'kill pod, sandbox 0, start init first');
  check('a sandbox without containers starts with the first one', init, [], 'start init first');
  check('nothing is started while one runs', init, [['first']], 'nothing');
  check('the next follows success', init, [['first', exited(0)]], 'start init second');
  check(
    'the regular ones follow the last',
    init,
    [
      ['second', exited(0)],
      ['first', exited(0)],
    ],
    'start main',
  );
  check('a failed one is tried again', init, [['first', exited(1)]], 'start init first');
  check('with Never a failed one ends the pod', { ...init, restartPolicy: 'Never' }, [['first', exited(1)]], 'kill pod');
  check('once initialized, their records are not looked at', init, [['main'], ['first', exited(1)]], 'nothing');
});

describe('sidecars', () => {
  const side = { name: 'side', image: 'proxy', restartPolicy: 'Always' };
  const task = { name: 'task', image: 'task' };
  const init = { initContainers: [side, task] };
  check('the next init container follows a running sidecar', init, [['side']], 'start init task');
  check('a startup probe holds the next one back', { initContainers: [{ ...side, startupProbe: {} }, task] }, [['side']], 'nothing');
  check(
    'and lets it go when it succeeds',
    { initContainers: [{ ...side, startupProbe: {} }, task] },
    [['side']],
    'start init task',
    () => 'success',
  );
  check('an ended sidecar is restarted during initialization', init, [['task'], ['side', exited(1)]], 'start init side');
  check(
    'an ended sidecar is restarted beside regular containers',
    init,
    [['main'], ['task', exited(0)], ['side', exited(0)]],
    'start init side',
  );
  check(
    'a sidecar restarts even in a pod with Never',
    { ...init, restartPolicy: 'Never' },
    [['main'], ['task', exited(0)], ['side', exited(0)]],
    'start init side',
  );
  check(
    'when all regular containers have ended, the sidecars end too',
    { ...init, restartPolicy: 'Never' },
    [['main', exited(0)], ['task', exited(0)], ['side']],
    'kill pod',
  );
  check(
    'a failed liveness probe restarts a sidecar',
    { initContainers: [{ ...side, livenessProbe: {} }] },
    [['main'], ['side']],
    'kill side (Init container side failed liveness probe), start init side',
    () => 'failure',
  );
});

describe('sandboxes', () => {
  const plan = (spec: Partial<corev1.PodSpec>, sandboxes: Parameters<typeof testView>[1], containers: readonly Instance[] = []): string => {
    const pod = testPod(spec);
    return text(
      planPod(
        pod,
        testView(
          containers.map(([name, fields]) => testContainer(pod, name, fields)),
          sandboxes,
        ),
        silent,
      ),
    );
  };
  it('a dead one is replaced, with the next number', () => {
    expect(plan({}, [testSandbox({ state: 'notReady', attempt: 3 })], [['main']])).toBe('kill pod, sandbox 4, start main');
  });
  it('two ready ones are too many', () => {
    expect(plan({}, [testSandbox({ attempt: 1 }), testSandbox()], [['main']])).toBe('kill pod, sandbox 2, start main');
  });
  it('one without an address is replaced', () => {
    expect(plan({}, [testSandbox({ ips: [] })])).toBe('kill pod, sandbox 1, start main');
  });
  it("a pod on the node's network needs no address", () => {
    expect(plan({ hostNetwork: true }, [testSandbox({ ips: [], namespaces: { network: 'node', pid: 'container', ipc: 'pod' } })])).toBe(
      'start main',
    );
  });
  it('a pod with Never that has run is not started again', () => {
    expect(plan({ restartPolicy: 'Never' }, [testSandbox({ state: 'notReady' })], [['main', exited(1)]])).toBe('kill pod');
  });
  it('containers that succeeded are not run again with OnFailure', () => {
    const spec = { restartPolicy: 'OnFailure' as const, containers: [main, other] };
    const instances: Instance[] = [
      ['main', exited(0)],
      ['other', exited(137)],
    ];
    expect(plan(spec, [testSandbox({ state: 'notReady' })], instances)).toBe('kill pod, sandbox 1, start other');
  });
});

it('an ephemeral container is started once', () => {
  const pod = testPod({ ephemeralContainers: [{ name: 'debug', image: 'busybox' }] });
  expect(text(planPod(pod, testView([testContainer(pod, 'main')]), silent))).toBe('start ephemeral debug');
  const seen = testView([testContainer(pod, 'debug', exited(1)), testContainer(pod, 'main')]);
  expect(text(planPod(pod, seen, silent))).toBe('nothing');
});
