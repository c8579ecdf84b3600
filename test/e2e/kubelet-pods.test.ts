import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corev1Resources } from '../../src/api/index.ts';
import { engineUnavailable } from '../support/test-engine.ts';
import { testBusyboxImage, testUserImage } from '../support/test-images.ts';
import { TestNode } from '../support/test-node.ts';

const unavailable = engineUnavailable();
const forever = ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'];

describe.skipIf(unavailable)(`the kubelet on a real engine${unavailable ? ` (skipped: ${unavailable})` : ''}`, () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await TestNode.start('pods', { allowedUnsafeSysctls: ['kernel.shm*'] });
  }, 60_000);
  afterAll(() => node?.stop(), 60_000);

  it('runs a pod, shows it whole, and leaves nothing when it is deleted', async () => {
    await node.create('plain', { containers: [{ name: 'c0', command: forever, resources: { requests: { cpu: '100m' } } }] });
    const { status, metadata } = await node.whenRunning('plain');
    expect(status).toMatchObject({
      phase: 'Running',
      qosClass: 'Burstable',
      hostIP: '10.200.0.11',
      observedGeneration: 1,
      containerStatuses: [
        {
          name: 'c0',
          ready: true,
          started: true,
          restartCount: 0,
          image: testBusyboxImage,
          containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/),
          allocatedResources: { cpu: '100m' },
          resources: { requests: { cpu: '100m' } },
        },
      ],
    });
    expect(status?.podIP).toMatch(/^10\.244\.9\./);
    expect(status?.conditions?.map(({ type }) => type)).toEqual([
      'PodReadyToStartContainers',
      'Initialized',
      'Ready',
      'ContainersReady',
      'PodScheduled',
    ]);
    await node.whenEvent(
      'plain',
      'Pulled',
      `Container image "${testBusyboxImage}" already present on machine and can be accessed by the pod`,
    );
    await node.whenEvent('plain', 'Created', 'Container created');
    await node.whenEvent('plain', 'Started', 'Container started');

    await node.delete('plain');
    await node.whenGone('plain');
    await node.whenEvent('plain', 'Killing', 'Stopping container c0');
    expect(existsSync(`${node.engine.directory}/kubelet/pods/${metadata.uid}`)).toBe(false);
    expect(readdirSync(`${node.engine.directory}/logs/pods`).filter((name) => name.includes(metadata.uid))).toEqual([]);
    expect(readdirSync(`${node.engine.directory}/logs/containers`).filter((name) => name.startsWith('plain_'))).toEqual([]);
    await node.until('its cgroups are gone', () => Promise.resolve(cgroupsOf(node.engine.cgroupRoot, metadata.uid).length === 0));
  });

  it('writes limits into the cgroups of pod and container', async () => {
    const resources = { requests: { cpu: '250m', memory: '16Mi' }, limits: { cpu: '500m', memory: '32Mi' } };
    await node.create('limited', { containers: [{ command: forever, resources }] });
    const { metadata } = await node.whenRunning('limited');
    const [pod] = cgroupsOf(node.engine.cgroupRoot, metadata.uid);
    expect(pod).toContain('/kubepods/burstable/pod');
    if (existsSync('/sys/fs/cgroup/cpu')) {
      const read = (path: string): string => readFileSync(path, 'utf8').trim();
      const of = (controller: string): string =>
        `/sys/fs/cgroup/${controller}${node.engine.cgroupRoot}/kubepods/burstable/pod${metadata.uid}`;
      expect(read(`${of('cpu')}/cpu.shares`)).toBe('256');
      expect(read(`${of('cpu')}/cpu.cfs_quota_us`)).toBe('50000');
      expect(read(`${of('memory')}/memory.limit_in_bytes`)).toBe(String(32 * 1024 * 1024));
    }
    await node.delete('limited', 0);
    await node.whenGone('limited');
  });

  it('restarts a failing container with back-off and counts its lives', async () => {
    await node.create('crash', { containers: [{ command: ['sh', '-c', 'echo bye; exit 7'] }] });
    const { status } = await node.whenPod('crash', 'backs off', (pod) => {
      const [container] = pod.status?.containerStatuses ?? [];
      return container?.state?.waiting?.reason === 'CrashLoopBackOff' && container.restartCount >= 2;
    });
    const [container] = status.containerStatuses!;
    expect(container!.state!.waiting!.message).toMatch(
      /^back-off \d+(ms|\.\d+s|s)? restarting failed container=c0 pod=crash_default\([0-9a-f-]{36}\)$/,
    );
    expect(container!.lastState!.terminated).toMatchObject({ exitCode: 7, reason: 'Error' });
    expect(status.phase).toBe('Running');
    await node.whenEvent('crash', 'BackOff', /^Back-off restarting failed container c0 in pod crash_default\(/);
    await node.delete('crash', 0);
    await node.whenGone('crash');
  });

  it('ends a pod by its restart policy', async () => {
    await node.create('good', { restartPolicy: 'Never', containers: [{ command: ['true'] }] });
    await node.create('bad', { restartPolicy: 'Never', containers: [{ command: ['false'] }] });
    const good = await node.whenPhase('good', 'Succeeded');
    expect(good.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(good.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' });
    await node.whenPhase('bad', 'Failed');
    for (const name of ['good', 'bad']) await node.delete(name, 0);
    for (const name of ['good', 'bad']) await node.whenGone(name);
  });

  it('runs init containers in order, keeps sidecars beside the others and ends them last', async () => {
    await node.create('ordered', {
      restartPolicy: 'Never',
      volumes: [{ name: 'shared', emptyDir: {} }],
      initContainers: [
        { name: 'first', command: ['sh', '-c', 'echo first >> /shared/order'], volumeMounts: [{ name: 'shared', mountPath: '/shared' }] },
        {
          name: 'side',
          restartPolicy: 'Always',
          command: ['sh', '-c', 'echo side >> /shared/order; trap "exit 0" TERM; sleep 100000 & wait'],
          startupProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
        },
        { name: 'third', command: ['sh', '-c', 'echo third >> /shared/order'], volumeMounts: [{ name: 'shared', mountPath: '/shared' }] },
      ],
      containers: [{ command: ['sh', '-c', 'cat /shared/order; sleep 1'], volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }],
    });
    const { status, metadata } = await node.whenPhase('ordered', 'Succeeded');
    const log = readFileSync(`${node.engine.directory}/logs/pods/default_ordered_${metadata.uid}/c0/0.log`, 'utf8');
    expect(log.match(/(first|side|third)/g)).toEqual(['first', 'side', 'third']);
    expect(status?.initContainerStatuses?.map(({ state }) => state?.terminated?.exitCode)).toEqual([0, 0, 0]);
    await node.delete('ordered', 0);
    await node.whenGone('ordered');
  });

  it('says why a container cannot start', async () => {
    await node.create('no-image', { containers: [{ image: 'registry.invalid/none:1', imagePullPolicy: 'Always' }] });
    await node.create('never', { containers: [{ image: 'docker.io/library/absent:1', imagePullPolicy: 'Never' }] });
    await node.create('bad-name', { containers: [{ image: 'UPPERCASE' }] });
    await node.create('no-program', { containers: [{ command: ['/nope'] }] });
    await node.create('no-config', {
      containers: [{ command: forever, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'later', key: 'a' } } }] }],
    });
    const waiting = (name: string, reason: string) =>
      node.whenPod(name, reason, (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === reason);
    const backedOff = await waiting('no-image', 'ImagePullBackOff');
    expect(backedOff.status?.containerStatuses?.[0]?.state?.waiting?.message).toMatch(
      /^Back-off pulling image "registry\.invalid\/none:1": ErrImagePull: rpc error: code = /,
    );
    await node.whenEvent('no-image', 'Failed', /^Failed to pull image "registry\.invalid\/none:1": rpc error: code = /);
    await node.whenEvent('no-image', 'Failed', 'Error: ErrImagePull');
    await waiting('never', 'ErrImageNeverPull');
    await node.whenEvent(
      'never',
      'ErrImageNeverPull',
      'Container image "docker.io/library/absent:1" is not present with pull policy of Never',
    );
    await waiting('bad-name', 'InvalidImageName');
    const program = await node.whenPod('no-program', 'RunContainerError or CrashLoopBackOff', (pod) =>
      /RunContainerError|CrashLoopBackOff/.test(pod.status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ''),
    );
    expect(program.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' });
    const config = await waiting('no-config', 'CreateContainerConfigError');
    expect(config.status?.containerStatuses?.[0]?.state?.waiting?.message).toBe('configmap "later" not found');
    await node.client.create(
      corev1Resources.configmaps,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'later', namespace: 'default' }, data: { a: 'now' } },
      node,
    );
    await node.whenRunning('no-config');
    const names = ['no-image', 'never', 'bad-name', 'no-program', 'no-config'];
    for (const name of names) await node.delete(name, 0);
    for (const name of names) await node.whenGone(name);
  });

  it('holds containers to runAsNonRoot', async () => {
    const securityContext = { runAsNonRoot: true };
    await node.create('as-root', { securityContext, containers: [{ command: forever }] });
    await node.create('as-user', { securityContext, containers: [{ image: testUserImage, command: forever }] });
    const { status } = await node.whenPod('as-root', 'is refused', (pod) => {
      return pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError';
    });
    expect(status?.containerStatuses?.[0]?.state?.waiting?.message).toMatch(
      /^container has runAsNonRoot and image will run as root \(pod: "as-root_default\([0-9a-f-]+\)", container: c0\)$/,
    );
    await node.whenRunning('as-user');
    expect((await node.exec('as-user', ['id', '-u'])).trim()).toBe('1000');
    for (const name of ['as-root', 'as-user']) await node.delete(name, 0);
    for (const name of ['as-root', 'as-user']) await node.whenGone(name);
  });

  it('gives a pod its name, hosts, resolver, sysctls and security context', async () => {
    await node.create('identity', {
      hostname: 'herself',
      subdomain: 'family',
      hostAliases: [{ ip: '10.9.9.9', hostnames: ['far', 'away'] }],
      dnsConfig: { options: [{ name: 'timeout', value: '3' }] },
      securityContext: { supplementalGroups: [4000], sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] },
      shareProcessNamespace: true,
      containers: [
        {
          command: forever,
          securityContext: {
            runAsUser: 1234,
            runAsGroup: 5678,
            readOnlyRootFilesystem: true,
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
          },
        },
      ],
    });
    const { status } = await node.whenRunning('identity');
    expect((await node.exec('identity', ['hostname'])).trim()).toBe('herself');
    const hosts = await node.exec('identity', ['cat', '/etc/hosts']);
    expect(hosts).toContain(`${status.podIP}\therself.family.default.svc.cluster.local\therself\n`);
    expect(hosts).toContain('\n# Entries added by HostAliases.\n10.9.9.9\tfar\taway\n');
    const resolver = await node.exec('identity', ['cat', '/etc/resolv.conf']);
    expect(resolver).toContain('search default.svc.cluster.local svc.cluster.local cluster.local');
    expect(resolver).toContain('nameserver 10.96.0.10');
    expect(resolver).toContain('options ndots:5 timeout:3');
    expect((await node.exec('identity', ['sh', '-c', 'id -u; id -g; id -G'])).trim().split('\n')).toEqual(['1234', '5678', '5678 4000']);
    const process = await node.exec('identity', ['cat', '/proc/self/status']);
    expect(process).toMatch(/NoNewPrivs:\s+1/);
    expect(process).toMatch(/Seccomp:\s+2/);
    expect(process).toMatch(/CapBnd:\s+0000000000000000/);
    expect((await node.exec('identity', ['cat', '/proc/sys/kernel/shm_rmid_forced'])).trim()).toBe('1');
    expect(await node.exec('identity', ['sh', '-c', 'cat /proc/1/cmdline | tr "\\0" " "'])).toMatch(/pause/);
    await expect(node.exec('identity', ['sh', '-c', 'touch /x 2>&1; true'])).resolves.toContain('Read-only');
    await node.delete('identity', 0);
    await node.whenGone('identity');
  });

  it('shares the namespaces of the node when the pod asks for them', async () => {
    await node.create('host', { hostNetwork: true, hostPID: true, hostIPC: true, containers: [{ command: forever }] });
    const { status } = await node.whenRunning('host');
    expect(status).toMatchObject({ podIP: '10.200.0.11', podIPs: [{ ip: '10.200.0.11' }] });
    expect(await node.exec('host', ['cat', '/etc/hosts'])).toMatch(/^# Kubernetes-managed hosts file \(host network\)\.\n/);
    await node.delete('host', 0);
    await node.whenGone('host');
  });

  it('tells a kill by lack of memory from any other', async () => {
    await node.create('hungry', {
      restartPolicy: 'Never',
      containers: [{ command: ['sh', '-c', 'x=a; while :; do x=$x$x; done'], resources: { limits: { memory: '16Mi' } } }],
    });
    const { status } = await node.whenPhase('hungry', 'Failed');
    expect(status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
    await node.delete('hungry', 0);
    await node.whenGone('hungry');
  });

  it('shows what a container said at its end', async () => {
    await node.create('last-words', {
      restartPolicy: 'Never',
      containers: [
        { name: 'file', command: ['sh', '-c', 'echo from the file > /dev/termination-log; exit 1'] },
        { name: 'log', terminationMessagePolicy: 'FallbackToLogsOnError', command: ['sh', '-c', 'echo from the log; exit 1'] },
        { name: 'long', command: ['sh', '-c', 'yes x | head -c 9000 > /dev/termination-log'] },
      ],
    });
    const { status } = await node.whenPhase('last-words', 'Failed');
    const message = (name: string): string | undefined =>
      status?.containerStatuses?.find((each) => each.name === name)?.state?.terminated?.message;
    expect(message('file')).toBe('from the file\n');
    expect(message('log')).toBe('from the log\n');
    expect(message('long')).toHaveLength(4096);
    await node.delete('last-words', 0);
    await node.whenGone('last-words');
  });

  it('runs hooks, and kills a container whose postStart hook fails', async () => {
    await node.create('hooks', {
      terminationGracePeriodSeconds: 5,
      volumes: [{ name: 'out', hostPath: { path: node.engine.directory } }],
      containers: [
        {
          command: forever,
          volumeMounts: [{ name: 'out', mountPath: '/out' }],
          lifecycle: {
            postStart: { exec: { command: ['sh', '-c', 'echo started > /out/post-start'] } },
            preStop: { exec: { command: ['sh', '-c', 'echo stopping > /out/pre-stop'] } },
          },
        },
      ],
    });
    await node.create('bad-hook', {
      restartPolicy: 'Never',
      containers: [{ command: forever, lifecycle: { postStart: { exec: { command: ['false'] } } } }],
    });
    await node.whenRunning('hooks');
    expect(readFileSync(`${node.engine.directory}/post-start`, 'utf8')).toBe('started\n');
    await node.delete('hooks');
    await node.whenGone('hooks');
    expect(readFileSync(`${node.engine.directory}/pre-stop`, 'utf8')).toBe('stopping\n');
    await node.whenEvent('bad-hook', 'FailedPostStartHook', 'PostStartHook failed');
    await node.whenEvent('bad-hook', 'Killing', 'FailedPostStartHook');
    await node.delete('bad-hook', 0);
    await node.whenGone('bad-hook');
  });

  it('restarts a container that fails its liveness probe', async () => {
    await node.create('sick', {
      containers: [{ command: forever, livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 } }],
    });
    await node.whenPod('sick', 'was restarted', ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
    await node.whenEvent('sick', 'Killing', 'Container c0 failed liveness probe, will be restarted');
    await node.delete('sick', 0);
    await node.whenGone('sick');
  });

  it('ends a pod that is active past its deadline', async () => {
    await node.create('deadline', { activeDeadlineSeconds: 1, containers: [{ command: forever }] });
    const { status } = await node.whenPhase('deadline', 'Failed');
    expect(status).toMatchObject({ reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' });
    await node.delete('deadline', 0);
    await node.whenGone('deadline');
  });

  it('refuses what does not fit on the node', async () => {
    await node.create('huge', { containers: [{ resources: { requests: { cpu: '1000' } } }] });
    await node.create('elsewhere', { nodeSelector: { disk: 'ssd' }, containers: [{}] });
    const huge = await node.whenPhase('huge', 'Failed');
    expect(huge.status).toMatchObject({ reason: 'OutOfcpu' });
    expect(huge.status?.message).toMatch(
      /^Pod was rejected: Node didn't have enough resource: cpu, requested: 1000000, used: \d+, capacity: \d+$/,
    );
    const elsewhere = await node.whenPhase('elsewhere', 'Failed');
    expect(elsewhere.status).toMatchObject({
      reason: 'NodeAffinity',
      message: "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    });
    for (const name of ['huge', 'elsewhere']) await node.delete(name, 0);
    for (const name of ['huge', 'elsewhere']) await node.whenGone(name);
  });

  it('resizes a running container in place, and says why it cannot', async () => {
    const resources = { requests: { cpu: '100m', memory: '16Mi' }, limits: { cpu: '200m', memory: '32Mi' } };
    await node.create('growing', { containers: [{ command: forever, resources }] });
    const before = await node.whenRunning('growing');
    const resize = (cpu: string, limit = '400m'): Promise<unknown> =>
      node.client.patch(
        corev1Resources.pods,
        { namespace: 'default', name: 'growing' },
        {
          type: 'application/strategic-merge-patch+json',
          subresource: 'resize',
          body: { spec: { containers: [{ name: 'c0', resources: { requests: { cpu }, limits: { cpu: limit } } }] } },
        },
        node,
      );
    await resize('300m');
    const after = await node.whenPod(
      'growing',
      'has grown',
      ({ status }) => status.containerStatuses?.[0]?.allocatedResources?.['cpu'] === '300m',
    );
    expect(after.status.containerStatuses?.[0]).toMatchObject({
      containerID: before.status.containerStatuses?.[0]?.containerID,
      restartCount: 0,
      resources: { requests: { cpu: '300m' }, limits: { cpu: '400m' } },
    });
    const id = after.status.containerStatuses![0]!.containerID!.replace('containerd://', '');
    await node.until('the engine has applied it', async () => {
      const { resources: applied } = await node.runtime.runtime.containerStatus(id, node);
      return applied?.cpuQuota === 40_000 && applied.cpuShares === 307;
    });
    await resize('999', '999');
    const refused = await node.whenPod('growing', 'is refused', ({ status }) =>
      status.conditions?.some(({ type }) => type === 'PodResizePending'),
    );
    expect(refused.status.conditions?.find(({ type }) => type === 'PodResizePending')).toMatchObject({
      status: 'True',
      reason: 'Infeasible',
      message: expect.stringMatching(/^Node didn't have enough capacity: cpu, requested: 999000, capacity: \d+$/),
    });
    expect(refused.status.containerStatuses?.[0]?.allocatedResources?.['cpu']).toBe('300m');
    await resize('100m');
    await node.whenPod('growing', 'fits again', ({ status }) => !status.conditions?.some(({ type }) => type === 'PodResizePending'));
    await node.delete('growing', 0);
    await node.whenGone('growing');
  });

  it('starts an ephemeral container in a running pod', async () => {
    await node.create('debugged', { containers: [{ command: forever }] });
    await node.whenRunning('debugged');
    await node.client.patch(
      corev1Resources.pods,
      { namespace: 'default', name: 'debugged' },
      {
        type: 'application/strategic-merge-patch+json',
        subresource: 'ephemeralcontainers',
        body: { spec: { ephemeralContainers: [{ name: 'debug', image: testBusyboxImage, command: forever, targetContainerName: 'c0' }] } },
      },
      node,
    );
    await node.whenPod(
      'debugged',
      'has its debugger',
      ({ status }) => status?.ephemeralContainerStatuses?.[0]?.state?.running !== undefined,
    );
    await node.delete('debugged', 0);
    await node.whenGone('debugged');
  });
});

/** The pod's group in every hierarchy. */
function cgroupsOf(root: string, uid: string): string[] {
  return readdirSync('/sys/fs/cgroup')
    .flatMap((hierarchy) => ['', '/burstable', '/besteffort'].map((qos) => `/sys/fs/cgroup/${hierarchy}${root}/kubepods${qos}/pod${uid}`))
    .filter((path) => existsSync(path));
}
