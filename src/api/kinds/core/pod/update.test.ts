import { describe, expect, test } from 'vitest';
import { decode, definitionOf, type Manifest, update, withField } from '../../strategy.suite.ts';

const pods = definitionOf('pods');
const base: Manifest = {
  metadata: { name: 'p', namespace: 'b', ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'u' }] },
  spec: {
    containers: [{ name: 'c', image: 'nginx:1', resources: { requests: { cpu: '1', memory: '1Gi' } } }],
    tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
  },
};
const old = decode(pods, { ...base, status: { phase: 'Running', qosClass: 'Burstable' } });
const changed = (path: string, value: unknown): readonly string[] => update(pods, { old, manifest: withField(base, path, value) }).faults;

describe('an update of a pod', () => {
  test.each<[string, unknown]>([
    ['spec.containers.0.image', 'nginx:2'],
    ['spec.activeDeadlineSeconds', 5],
    ['spec.tolerations.0.tolerationSeconds', 50],
    ['spec.tolerations.1', { key: 'b', operator: 'Exists' }],
    ['metadata.labels', { a: 'b' }],
  ])('%s may become %j', (path, value) => expect(changed(path, value)).toEqual([]));

  test.each<[string, unknown, string | RegExp]>([
    ['spec.containers.1', { name: 'd', image: 'x' }, 'spec.containers: Forbidden: pod updates may not add or remove containers'],
    ['spec.containers.0.image', ' x', 'spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace'],
    ['spec.tolerations', [], 'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    [
      'spec.schedulingGates',
      [{ name: 'g' }],
      "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'",
    ],
    [
      'metadata.annotations',
      { 'kubernetes.io/config.mirror': 'x' },
      /annotations\[kubernetes\.io\/config\.mirror\]: Forbidden: may not add mirror pod annotation/,
    ],
  ])('%s may not become %j', (path, value, expected) => expect(changed(path, value).join('\n')).toMatch(expected));

  test('any other change is refused, and shown', () => {
    expect(changed('spec.hostname', 'h')).toEqual([
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n' +
        '  core.PodSpec{\n' +
        '  \t... // 3 identical fields\n' +
        '+ \tHostname: "h",\n' +
        '  \t... // 4 identical fields\n' +
        '  }\n',
    ]);
    const [fault] = changed('spec.containers.0.command', ['sh']);
    expect(fault).toContain('  \tContainers: {\n  \t\t{\n+ \t\t\tCommand: ["sh"],\n');
    expect(fault).toContain('  \t\t\t... // 6 identical fields\n');
  });

  test('a deadline may come nearer, but not go', () => {
    const limited = decode(pods, withField(base, 'spec.activeDeadlineSeconds', 10));
    const written = (seconds: number | undefined): readonly string[] =>
      update(pods, { old: limited, manifest: withField(base, 'spec.activeDeadlineSeconds', seconds) }).faults;
    expect(written(5)).toEqual([]);
    expect(written(20)).toEqual(['spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value']);
    expect(written(undefined)).toEqual([
      'spec.activeDeadlineSeconds: Invalid value: "null": must not update from a positive integer to nil value',
    ]);
  });

  test('a gated pod may be told more narrowly where to go', () => {
    const gated = withField(withField(base, 'spec.schedulingGates', [{ name: 'g' }]), 'spec.nodeSelector', { a: 'b' });
    const before = decode(pods, gated);
    const written = (selector: Manifest): readonly string[] =>
      update(pods, { old: before, manifest: withField(gated, 'spec.nodeSelector', selector) }).faults;
    expect(written({ a: 'b', c: 'd' })).toEqual([]);
    expect(written({ c: 'd' })).toEqual([
      'spec.nodeSelector: Invalid value: {"c":"d"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    ]);
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }] },
      },
    };
    expect(update(pods, { old: before, manifest: withField(gated, 'spec.affinity', affinity) }).faults).toEqual([]);
  });

  test('status stays', () => {
    expect(update(pods, { old, manifest: { ...base, status: { phase: 'Failed' } } }).object['status']).toEqual(old['status']);
  });
});

describe('a write to a pod’s status', () => {
  const written = (status: Manifest, before: Manifest = {}): readonly string[] =>
    update(pods, {
      old: decode(pods, { ...base, status: { qosClass: 'Burstable', ...before } }),
      manifest: { ...base, status },
      subresource: 'status',
    }).faults;
  const ended = { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 0 } } }] };
  const back = { containerStatuses: [{ name: 'c', state: { running: {} } }] };

  test('spec and owners are left alone, the class is kept, observed generations are not forgotten', () => {
    const before = decode(pods, {
      ...base,
      status: { qosClass: 'Burstable', observedGeneration: 3, conditions: [{ type: 'Ready', status: 'True', observedGeneration: 3 }] },
    });
    const manifest = {
      metadata: { name: 'p', namespace: 'b' },
      spec: { containers: [] },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] },
    };
    const { object } = update(pods, { old: before, manifest, subresource: 'status' });
    expect(object).toMatchObject({
      metadata: { ownerReferences: [{ name: 'x' }] },
      spec: before['spec'],
      status: { qosClass: 'Burstable', observedGeneration: 3, conditions: [{ status: 'False', observedGeneration: 3 }] },
    });
  });

  test.each<[string, Manifest, string[]]>([
    ['addresses of two families', { podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] }, []],
    [
      'two of one',
      { podIPs: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] },
      ['status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.2"}]: may specify no more than one IP for each IP family'],
    ],
    [
      'another host',
      { hostIP: '1.1.1.1', hostIPs: [{ ip: '1.1.1.2' }] },
      ['status.hostIPs[0].ip: Invalid value: "1.1.1.2": must be equal to `hostIP`'],
    ],
    [
      'conditions',
      {
        conditions: [
          { type: 'a b', status: 'True' },
          { type: 'Ready', status: 'True', observedGeneration: -1 },
        ],
      },
      [
        expect.stringMatching(/^status\.conditions\[0\]\.Type: Invalid value: "a b"/) as string,
        'status.conditions[1].observedGeneration: Invalid value: -1: must be a non-negative integer',
      ],
    ],
    ['another class', { qosClass: 'Guaranteed' }, ['status.qosClass: Invalid value: "Guaranteed": field is immutable']],
    [
      'a claim that is not there',
      { resourceClaimStatuses: [{ name: 'x' }] },
      ['status.resourceClaimStatuses[0].name: Invalid value: "x": must match the name of an entry in `spec.resourceClaims`'],
    ],
    [
      'users',
      { containerStatuses: [{ name: 'c', user: { linux: { uid: 2147483648, gid: 0, supplementalGroups: [1, -1] } } }] },
      [
        'status.containerStatuses[0].user.linux.uid: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive',
        'status.containerStatuses[0].user.linux.supplementalGroups[1]: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      ],
    ],
  ])('%s', (_name, status, expected) => expect(written(status)).toEqual(expected));

  test('a container that may not restart stays ended', () => {
    const once = withField(base, 'spec.restartPolicy', 'Never');
    const before = decode(pods, { ...once, status: ended });
    const refused = ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'];
    expect(update(pods, { old: before, manifest: { ...once, status: back }, subresource: 'status' }).faults).toEqual(refused);
    expect(written(back, ended)).toEqual([]);
    const own = decode(pods, {
      ...withField(once, 'spec.containers.0.restartPolicy', 'OnFailure'),
      status: { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 1 } } }] },
    });
    expect(update(pods, { old: own, manifest: { ...once, status: back }, subresource: 'status' }).faults).toEqual([]);
    const never = decode(pods, { ...withField(base, 'spec.containers.0.restartPolicy', 'Never'), status: ended });
    expect(update(pods, { old: never, manifest: { ...base, status: back }, subresource: 'status' }).faults).toEqual(refused);
    const unknown = decode(pods, { ...withField(base, 'spec.containers.0.name', 'other'), status: ended });
    expect(update(pods, { old: unknown, manifest: { ...base, status: back }, subresource: 'status' }).faults).toEqual(refused);
  });

  test('no node is nominated for a bound pod', () => {
    const manifest = { ...base, status: { nominatedNodeName: 'n' } };
    expect(update(pods, { old, manifest, subresource: 'status' }).faults).toEqual([]);
    const bound = decode(pods, withField(base, 'spec.nodeName', 'other'));
    expect(update(pods, { old: bound, manifest, subresource: 'status' }).faults).toEqual([
      'status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node',
    ]);
  });
});

describe('resize', () => {
  const resized = (path: string, value: unknown): ReturnType<typeof update> =>
    update(pods, { old, manifest: withField(base, path, value), subresource: 'resize' });

  test('CPU and memory change, nothing else does', () => {
    const { object, faults } = resized('spec.containers.0.resources.requests', { cpu: '2', memory: '2Gi' });
    expect(faults).toEqual([]);
    expect(object).toMatchObject({ spec: { containers: [{ image: 'nginx:1', resources: { requests: { cpu: '2', memory: '2Gi' } } }] } });
    expect(resized('spec.containers.0.image', 'other').object).toMatchObject({ spec: { containers: [{ image: 'nginx:1' }] } });
    expect(resized('spec.containers.0.resources.requests', { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' }).faults).toEqual([
      'spec: Forbidden: only cpu and memory resources are mutable',
    ]);
  });

  test('what is asked cannot be taken away, and the class stays', () => {
    expect(resized('spec.containers.0.resources.requests', { cpu: '1' }).faults).toContain(
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
    );
    expect(
      resized('spec.containers.0.resources', { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } }).faults,
    ).toEqual(['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing']);
  });

  test('beside containers that ask for nothing', () => {
    const two = withField(base, 'spec.containers.1', { name: 'idle', image: 'x' });
    const manifest = withField(two, 'spec.containers.0.resources.requests.cpu', '2');
    expect(update(pods, { old: decode(pods, two), manifest, subresource: 'resize' }).faults).toEqual([]);
    const first = withField(two, 'spec.containers.1.resources', { requests: { cpu: '1' } });
    expect(update(pods, { old: decode(pods, two), manifest: first, subresource: 'resize' }).faults).toEqual([]);
  });

  test('containers stay where they are', () => {
    const other = { name: 'other', image: 'nginx:1' };
    expect(resized('spec.containers.0.name', 'other').faults).toEqual([
      'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize',
    ]);
    expect(resized('spec.containers.1', other).faults).toContain(
      'spec.containers: Forbidden: containers may not be added or removed on resize',
    );
    expect(resized('spec.initContainers', [other]).faults).toContain(
      'spec.initContainers: Forbidden: initContainers may not be added or removed on resize',
    );
  });

  test('resources of the pod as a whole are not resized', () => {
    const whole = withField(base, 'spec.resources', { requests: { cpu: '2', memory: '2Gi' } });
    expect(update(pods, { old: decode(pods, whole), manifest: whole, subresource: 'resize' }).faults).toEqual([
      ': Forbidden: resize of pods with pod-level resources is forbidden when InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled',
    ]);
  });

  test('a static pod is not resized', () => {
    const mirror = decode(
      pods,
      withField(withField(base, 'metadata.annotations', { 'kubernetes.io/config.mirror': 'x' }), 'spec.nodeName', 'n'),
    );
    expect(update(pods, { old: mirror, manifest: mirror, subresource: 'resize' }).faults).toEqual([
      ': Forbidden: static pods cannot be resized',
    ]);
  });
});

describe('ephemeral containers', () => {
  const debug = { name: 'debug', image: 'busybox', targetContainerName: 'c' };
  const added = (container: Manifest, before: readonly Manifest[] = []): ReturnType<typeof update> =>
    update(pods, {
      old: decode(pods, withField(base, 'spec.ephemeralContainers', before)),
      manifest: withField(base, 'spec.ephemeralContainers', [container]),
      subresource: 'ephemeralcontainers',
    });

  test('one is added', () => {
    const { object, faults } = added(debug);
    expect(faults).toEqual([]);
    expect(object['spec']).toMatchObject({
      ephemeralContainers: [{ name: 'debug', imagePullPolicy: 'Always' }],
      containers: [{ name: 'c' }],
    });
  });

  test.each<[string, Manifest, string[]]>([
    ['a taken name', { ...debug, name: 'c' }, ['spec.ephemeralContainers[0].name: Duplicate value: "c"']],
    ['no such target', { ...debug, targetContainerName: 'x' }, ['spec.ephemeralContainers[0].targetContainerName: Not found: "x"']],
    [
      'a probe',
      { ...debug, livenessProbe: { tcpSocket: { port: 1 } } },
      ['spec.ephemeralContainers[0].livenessProbe: Forbidden: cannot be set for an Ephemeral Container'],
    ],
    [
      'ports',
      { ...debug, ports: [{ containerPort: 1 }] },
      ['spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container'],
    ],
  ])('%s', (_name, container, expected) => expect(added(container).faults).toEqual(expected));

  test('one that is there stays as it is', () => {
    expect(added({ ...debug, name: 'other' }, [debug]).faults).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
    ]);
    expect(added({ ...debug, image: 'alpine' }, [debug]).faults[0]).toMatch(
      /^spec\.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n {2}core\.EphemeralContainer\{/,
    );
  });
});
