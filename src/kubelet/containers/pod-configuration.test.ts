import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { testPod } from '../pods/testing.ts';
import { containerResources, cpuQuota, cpuShares, type NodeMemory, oomScoreAdjust, podCgroupLimits } from './container-resources.ts';
import { parseResolvConf, podDns } from './dns.ts';
import { HostnameError, podHostname } from './hostname.ts';
import { imageVolumesRefusal } from './image-volumes.ts';
import { nodeHostsFile, podHostsFile } from './hosts-file.ts';
import { sandboxConfig } from './sandbox-config.ts';
import { containerSecurityContext, verifyRunAsNonRoot } from './security.ts';

const mib = 1024 * 1024;

describe('CPU and memory in the units of the kernel', () => {
  it('turns requests into shares within their bounds', () => {
    const rows: readonly (readonly [milli: number, shares: number])[] = [
      [0, 2],
      [1, 2],
      [2, 2],
      [100, 102],
      [1000, 1024],
      [1_000_000, 262_144],
    ];
    for (const [milli, shares] of rows) expect([milli, cpuShares(milli)]).toEqual([milli, shares]);
  });

  it('turns limits into quotas', () => {
    const rows: readonly (readonly [milli: number, quota: number])[] = [
      [0, 0],
      [1, 1000],
      [10, 1000],
      [250, 25_000],
      [2000, 200_000],
    ];
    for (const [milli, quota] of rows) expect([milli, cpuQuota(milli)]).toEqual([milli, quota]);
  });

  const container = (requests: Record<string, string>, limits: Record<string, string> = {}): corev1.Container => ({
    name: 'main',
    image: 'x',
    resources: { requests, limits },
  });
  const node: NodeMemory = { memoryBytes: 1000 * mib, cgroupVersion: 1, limitsSwap: false };

  it('a container without anything is not limited', () => {
    const pod = testPod();
    expect(containerResources(pod, pod.spec.containers[0]!, node)).toEqual({
      cpuPeriod: 100_000,
      cpuQuota: -1,
      cpuShares: 2,
      oomScoreAdj: 1000,
    });
  });

  it('a limit alone is also the request', () => {
    const main = container({}, { cpu: '500m', memory: '64Mi' });
    expect(containerResources(testPod({ containers: [main] }), main, node)).toMatchObject({
      cpuShares: 512,
      cpuQuota: 50_000,
      memoryLimitBytes: BigInt(64 * mib),
    });
  });

  it('a container without a limit has the limit of its pod', () => {
    const rows: readonly (readonly [own: Record<string, string>, expected: object])[] = [
      [{}, { cpuQuota: 50_000, cpuShares: 512, memoryLimitBytes: BigInt(64 * mib) }],
      [{ cpu: '200m' }, { cpuQuota: 20_000, cpuShares: 204, memoryLimitBytes: BigInt(64 * mib) }],
      [{ memory: '32Mi' }, { cpuQuota: 50_000, memoryLimitBytes: BigInt(32 * mib) }],
    ];
    for (const [own, expected] of rows) {
      const main = container({}, own);
      const pod = testPod({ containers: [main], resources: { limits: { cpu: '500m', memory: '64Mi' } } });
      expect(containerResources(pod, main, node)).toMatchObject(expected);
    }
  });

  it('limits swap only where it can, and ends a container whole where the kernel does that', () => {
    const rows: readonly (readonly [title: string, node: Partial<NodeMemory>, limit: string | undefined, expected: object])[] = [
      ['version 1 that counts swap', { limitsSwap: true }, '64Mi', { memorySwapLimitBytes: BigInt(64 * mib) }],
      ['version 1, no limit to hold it to', { limitsSwap: true }, undefined, {}],
      ['version 1 that does not count swap', {}, '64Mi', {}],
      ['version 2', { cgroupVersion: 2, limitsSwap: true }, undefined, { unified: { 'memory.oom.group': '1', 'memory.swap.max': '0' } }],
      ['version 2 that does not count swap', { cgroupVersion: 2 }, '64Mi', { unified: { 'memory.oom.group': '1' } }],
    ];
    for (const [title, change, limit, expected] of rows) {
      const main = container({}, limit === undefined ? {} : { memory: limit });
      const { memorySwapLimitBytes, unified } = containerResources(testPod({ containers: [main] }), main, { ...node, ...change });
      expect([title, { ...(memorySwapLimitBytes && { memorySwapLimitBytes }), ...(unified && { unified }) }]).toEqual([title, expected]);
    }
  });

  it('gives the smaller share of memory the higher score', () => {
    const rows: readonly (readonly [title: string, container: corev1.Container, score: number])[] = [
      ['best effort', container({}), 1000],
      ['guaranteed', container({ cpu: '1', memory: '1Mi' }, { cpu: '1', memory: '1Mi' }), -997],
      ['a tenth of the node', container({ memory: '100Mi' }), 900],
      ['nearly nothing', container({ memory: '1' }), 999],
      ['all of it', container({ memory: '1000Mi' }), 3],
    ];
    for (const [title, main, score] of rows)
      expect([title, oomScoreAdjust(testPod({ containers: [main] }), main, node)]).toEqual([title, score]);
    const critical = testPod({ priority: 2_000_000_000 });
    expect(oomScoreAdjust(critical, critical.spec.containers[0]!, node)).toBe(-997);
  });

  it("limits the pod's group only when every container is limited", () => {
    const limited = container({ cpu: '100m', memory: '10Mi' }, { cpu: '1', memory: '20Mi' });
    const requests = { ...container({ cpu: '100m' }), name: 'other' };
    expect(podCgroupLimits(testPod({ containers: [limited] }))).toMatchObject({
      cpuShares: 102,
      cpuQuotaMicros: 100_000,
      memoryBytes: 20 * mib,
    });
    expect(podCgroupLimits(testPod({ containers: [limited, requests] }))).toMatchObject({
      cpuShares: 204,
      cpuQuotaMicros: undefined,
      memoryBytes: undefined,
    });
    expect(podCgroupLimits(testPod())).toMatchObject({ cpuShares: 2, memoryBytes: undefined });
  });
});

describe('the resolver of a pod', () => {
  const node = {
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    host: { servers: ['1.1.1.1'], searches: ['lan'], options: ['rotate'] },
  };
  const cluster = {
    servers: ['10.96.0.10'],
    searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'lan'],
    options: ['ndots:5'],
  };
  const rows: readonly (readonly [title: string, spec: Partial<corev1.PodSpec>, expected: object])[] = [
    ['is the cluster’s by default', {}, cluster],
    ['is the node’s on the node’s network', { hostNetwork: true }, node.host],
    ['can be the cluster’s there too', { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, cluster],
    ['can be the node’s', { dnsPolicy: 'Default' }, node.host],
    [
      'can be all its own',
      {
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['9.9.9.9'], searches: ['own'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] },
      },
      { servers: ['9.9.9.9'], searches: ['own'], options: ['ndots:2', 'edns0'] },
    ],
    ['merges options by name', { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } }, { ...cluster, options: ['ndots:1'] }],
  ];
  for (const [title, spec, expected] of rows) {
    it(title, () => {
      expect(podDns(testPod(spec), node)).toEqual({ config: expected, warnings: [] });
    });
  }

  it('keeps to three servers and says so', () => {
    const { config, warnings } = podDns(testPod({ dnsConfig: { nameservers: ['2.2.2.2', '3.3.3.3', '4.4.4.4'] } }), node);
    expect(config.servers).toEqual(['10.96.0.10', '2.2.2.2', '3.3.3.3']);
    expect(warnings).toEqual([
      {
        reason: 'DNSConfigForming',
        message:
          'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 2.2.2.2 3.3.3.3',
      },
    ]);
  });

  it('keeps to 32 search paths of 2048 letters', () => {
    const long = Array.from({ length: 40 }, (_, i) => `${'x'.repeat(80)}${i}.example`);
    const { config, warnings } = podDns(testPod({ dnsConfig: { searches: long } }), node);
    expect(config.searches.join(' ').length).toBeLessThanOrEqual(2048);
    expect(warnings).toHaveLength(1);
  });

  it('falls back, with a warning, where there is no cluster DNS', () => {
    const { config, warnings } = podDns(testPod(), { ...node, clusterDns: [] });
    expect(config).toEqual(node.host);
    expect(warnings[0]).toMatchObject({ reason: 'MissingClusterDNS' });
  });

  it('reads resolv.conf', () => {
    expect(parseResolvConf('# x\nnameserver 1.1.1.1\nsearch old\nnameserver ::1\noptions ndots:2 rotate\nsearch a.example. .\n')).toEqual({
      servers: ['1.1.1.1', '::1'],
      searches: ['a.example', '.'],
      options: ['ndots:2', 'rotate'],
    });
  });
});

describe('names and hosts', () => {
  it('a pod is called by its hostname or its name, cut to a label', () => {
    const domain = 'cluster.local';
    expect(podHostname(testPod(), domain)).toEqual({ hostname: 'web', domain: '', label: 'web' });
    expect(podHostname(testPod({ hostname: 'h', subdomain: 's' }), domain)).toMatchObject({
      hostname: 'h',
      domain: 's.shop.svc.cluster.local',
    });
    expect(podHostname(testPod({ hostname: 'h', subdomain: 's', setHostnameAsFQDN: true }), domain).hostname).toBe(
      'h.s.shop.svc.cluster.local',
    );
    const long = `${'a'.repeat(62)}-b`;
    expect(podHostname(testPod({}, { name: long }), domain).hostname).toBe('a'.repeat(62));
  });

  it('a full name that the kernel cannot hold is refused', () => {
    const pod = testPod({ hostname: 'a'.repeat(60), subdomain: 'sub', setHostnameAsFQDN: true });
    expect(() => podHostname(pod, 'cluster.local')).toThrow(HostnameError);
    expect(() => podHostname(pod, 'cluster.local')).toThrow(/is too long \(64 characters is the max, 87 characters requested\)$/);
  });

  it('writes the hosts file', () => {
    expect(
      podHostsFile({
        ips: ['10.0.0.9', 'fd00::9'],
        hostname: 'h',
        domain: 'd.example',
        aliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }],
      }),
    ).toBe(
      `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
10.0.0.9\th.d.example\th
fd00::9\th.d.example\th

# Entries added by HostAliases.
1.2.3.4\ta\tb
`,
    );
    expect(nodeHostsFile('127.0.0.1 localhost\n', [])).toBe('# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n');
  });
});

describe('the sandbox', () => {
  const render = (spec: Partial<corev1.PodSpec>) =>
    sandboxConfig({
      pod: testPod(spec, { labels: { app: 'x' }, annotations: { note: 'y' } }),
      attempt: 2,
      hostname: 'web',
      dns: { servers: [], searches: [], options: [] },
      cgroupParent: '/kubepods/pod1',
      podLogsDir: '/logs',
      paths: { seccompRoot: '/seccomp' },
    });

  it('carries the labels by which the pod is found again', () => {
    expect(render({})).toMatchObject({
      metadata: { name: 'web', namespace: 'shop', uid: 'uid-1', attempt: 2 },
      hostname: 'web',
      logDirectory: '/logs/shop_web_uid-1',
      labels: { app: 'x', 'io.kubernetes.pod.name': 'web', 'io.kubernetes.pod.namespace': 'shop', 'io.kubernetes.pod.uid': 'uid-1' },
      annotations: { note: 'y' },
      security: { namespaces: { network: 'pod', pid: 'container', ipc: 'pod' }, privileged: false, seccomp: { type: 'runtimeDefault' } },
    });
  });

  it("has no name and no ports of its own on the node's network", () => {
    const ports = [{ containerPort: 80, hostPort: 8080 }];
    const own = render({ containers: [{ name: 'main', ports }] });
    expect(own.portMappings).toEqual([{ protocol: 'TCP', containerPort: 80, hostPort: 8080 }]);
    const shared = render({ hostNetwork: true, containers: [{ name: 'main', ports }] });
    expect(shared).toMatchObject({ hostname: '', portMappings: [], security: { namespaces: { network: 'node' } } });
  });

  it('takes sysctls with dots or slashes, groups and shared processes', () => {
    const config = render({
      shareProcessNamespace: true,
      securityContext: {
        fsGroup: 7,
        supplementalGroups: [5],
        supplementalGroupsPolicy: 'Strict',
        sysctls: [
          { name: 'net/core/somaxconn', value: '9' },
          { name: 'kernel.shm_rmid_forced', value: '1' },
        ],
      },
    });
    expect(config.sysctls).toEqual({ 'net.core.somaxconn': '9', 'kernel.shm_rmid_forced': '1' });
    expect(config.security).toMatchObject({
      namespaces: { pid: 'pod' },
      supplementalGroups: [5, 7],
      supplementalGroupsPolicy: 'strict',
    });
  });
});

describe('the security of a container', () => {
  const paths = { seccompRoot: '/seccomp' };
  const root = { uid: 0, username: '' };
  const context = (container: corev1.SecurityContext, pod: corev1.PodSecurityContext = {}) => {
    const main = { name: 'main', securityContext: container };
    const spec = { securityContext: pod, containers: [main] };
    return containerSecurityContext({ pod: testPod(spec), container: main, imageUser: root, paths, seccompDefault: false });
  };

  it("the container's word beats the pod's, and the image's comes last", () => {
    expect(context({}).runAsUser).toBe(0);
    expect(context({}, { runAsUser: 5 }).runAsUser).toBe(5);
    expect(context({ runAsUser: 6 }, { runAsUser: 5 }).runAsUser).toBe(6);
  });

  it('confines /proc unless told otherwise', () => {
    expect(context({}).maskedPaths).toContain('/proc/kcore');
    expect(context({ procMount: 'Unmasked' })).toMatchObject({ maskedPaths: [], readonlyPaths: [] });
  });

  it('finds the seccomp profile', () => {
    expect(context({}).seccomp).toEqual({ type: 'unconfined' });
    expect(context({}, { seccompProfile: { type: 'RuntimeDefault' } }).seccomp).toEqual({ type: 'runtimeDefault' });
    expect(context({ seccompProfile: { type: 'Localhost', localhostProfile: 'a.json' } }).seccomp).toEqual({
      type: 'localhost',
      localhostRef: '/seccomp/a.json',
    });
    expect(context({ privileged: true, seccompProfile: { type: 'RuntimeDefault' } }).seccomp).toEqual({ type: 'unconfined' });
  });

  it('passes on capabilities and the refusal of more privileges', () => {
    expect(context({ allowPrivilegeEscalation: false, capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } })).toMatchObject({
      noNewPrivileges: true,
      addCapabilities: ['NET_ADMIN'],
      dropCapabilities: ['ALL'],
    });
  });

  it('holds to runAsNonRoot, as far as numbers go', () => {
    const check = (security: corev1.SecurityContext, image: { uid: number | undefined; username: string }): string => {
      const main = { name: 'main', securityContext: { runAsNonRoot: true, ...security } };
      try {
        verifyRunAsNonRoot(testPod({ containers: [main] }), main, image);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const where = '(pod: "web_shop(uid-1)", container: main)';
    expect(check({}, { uid: 1, username: '' })).toBe('');
    expect(check({ runAsUser: 9 }, root)).toBe('');
    expect(check({ runAsUser: 0 }, root)).toBe(`container's runAsUser breaks non-root policy ${where}`);
    expect(check({}, root)).toBe(`container has runAsNonRoot and image will run as root ${where}`);
    expect(check({}, { uid: undefined, username: 'nginx' })).toBe(
      `container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root ${where}`,
    );
  });
});

describe('images as volumes', () => {
  it.each([
    [undefined, true],
    [{ name: 'containerd', version: '1.6.20~ds1' }, false],
    [{ name: 'containerd', version: 'v1.7.27' }, false],
    [{ name: 'containerd', version: '2.0.5' }, false],
    [{ name: 'containerd', version: 'v2.1.0' }, true],
    [{ name: 'containerd', version: '2.10.1' }, true],
    [{ name: 'containerd', version: '3.0.0' }, true],
    [{ name: 'cri-o', version: '1.31.0' }, true],
  ])('%j: %s', (version, expected) => expect(imageVolumesRefusal(version) === undefined).toBe(expected));
});
