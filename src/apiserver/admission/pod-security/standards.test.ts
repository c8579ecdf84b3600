/** The Pod Security Standards, check by check: which pods are fine at which level and version, and what is said of the others. */
import { describe, expect, test } from 'vitest';
import type { corev1 } from '../../../api/index.ts';
import type { PodLike } from './finding.ts';
import { type Level, parsePolicyVersion } from './policy.ts';
import { findingsOf, formatFindings } from './standards.ts';

type Fields = Record<string, unknown>;

/** A container that the restricted level allows. */
const modest = {
  name: 'a',
  image: 'x',
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
};
const modestPod = { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }, containers: [modest] };

function pod(spec: Fields, annotations: Record<string, string> = {}): PodLike {
  const all: Fields = { containers: [{ name: 'a', image: 'x' }], ...spec };
  return { metadata: { annotations }, spec: all as unknown as corev1.PodSpec };
}

/** The modest pod with more in its container. */
function container(fields: Fields, security: Fields = {}): Fields {
  return { ...modestPod, containers: [{ ...modest, ...fields, securityContext: { ...modest.securityContext, ...security } }] };
}

function withSecurity(security: Fields): Fields {
  return { ...modestPod, securityContext: { ...modestPod.securityContext, ...security } };
}

function isPod(spec: Fields | PodLike): spec is PodLike {
  return 'spec' in spec;
}

function judged(spec: Fields | PodLike, policy: string): string {
  const [level, version = 'latest'] = policy.split(':');
  const subject = isPod(spec) ? spec : pod(spec);
  return formatFindings(findingsOf(subject, { level: level as Level, version: parsePolicyVersion(version)! }));
}

describe('the restricted level', () => {
  test('says everything that is missing of a pod that says nothing', () => {
    expect(judged({}, 'restricted')).toBe(
      'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
  });

  test('is content with a modest pod, at every version', () => {
    for (const version of ['v1.0', 'v1.8', 'v1.19', 'v1.22', 'v1.25', 'v1.31', 'v1.34', 'v1.35', 'v1.99', 'latest']) {
      expect(judged(modestPod, `restricted:${version}`)).toBe('');
    }
  });
});

test('the privileged level asks nothing', () => {
  expect(judged({ hostNetwork: true, hostPID: true }, 'privileged')).toBe('');
});

const baselineRows: [string, Fields | PodLike, string][] = [
  ['host namespaces', { ...modestPod, hostNetwork: true, hostIPC: true }, 'host namespaces (hostNetwork=true, hostIPC=true)'],
  ['privileged', container({}, { privileged: true }), 'privileged (container "a" must not set securityContext.privileged=true)'],
  [
    'capabilities',
    container({}, { capabilities: { drop: ['ALL'], add: ['NET_RAW', 'CHOWN', 'BPF'] } }),
    'non-default capabilities (container "a" must not include "BPF", "NET_RAW" in securityContext.capabilities.add)',
  ],
  [
    'hostPath',
    {
      ...modestPod,
      volumes: [
        { name: 'v', hostPath: { path: '/' } },
        { name: 'w', emptyDir: {} },
      ],
    },
    'hostPath volumes (volume "v")',
  ],
  [
    'host ports',
    {
      ...modestPod,
      containers: [
        {
          ...modest,
          ports: [
            { containerPort: 1, hostPort: 80 },
            { containerPort: 2, hostPort: 443 },
          ],
        },
        { ...modest, name: 'b', ports: [{ containerPort: 3, hostPort: 80 }] },
        { ...modest, name: 'c', ports: [{ containerPort: 4 }] },
      ],
    },
    'hostPort (containers "a", "b" use hostPorts 443, 80)',
  ],
  [
    'hosts of probes',
    container({ livenessProbe: { httpGet: { port: 1, host: 'evil' } }, lifecycle: { preStop: { tcpSocket: { port: 1, host: 'worse' } } } }),
    'probe or lifecycle host (container "a" uses probe or lifecycle hosts "evil", "worse")',
  ],
  [
    'proc mounts',
    container({}, { procMount: 'Unmasked' }),
    'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    'SELinux',
    {
      securityContext: { ...modestPod.securityContext, seLinuxOptions: { type: 'foo', user: 'u' } },
      containers: [{ ...modest, securityContext: { ...modest.securityContext, seLinuxOptions: { type: 'bar', role: 'r' } } }],
    },
    'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: types "bar", "foo"; user may not be set; role may not be set)',
  ],
  [
    'a SELinux user alone',
    withSecurity({ seLinuxOptions: { user: 'u' } }),
    'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: user may not be set)',
  ],
  [
    'seccomp',
    { ...withSecurity({ seccompProfile: { type: 'Unconfined' } }) },
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    'sysctls',
    withSecurity({
      sysctls: [
        { name: 'kernel.msgmax', value: '1' },
        { name: 'net.ipv4.tcp_rmem', value: '1' },
      ],
    }),
    'forbidden sysctls (kernel.msgmax)',
  ],
  [
    'Windows host processes',
    withSecurity({ windowsOptions: { hostProcess: true } }),
    'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
  ],
  [
    'AppArmor fields',
    container({}, { appArmorProfile: { type: 'Unconfined' } }),
    'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
  ],
  [
    'AppArmor annotations',
    pod(modestPod, {
      'container.apparmor.security.beta.kubernetes.io/a': 'unconfined',
      'container.apparmor.security.beta.kubernetes.io/b': 'localhost/x',
    }),
    'forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
  ],
];

describe('the baseline level', () => {
  test.each(baselineRows)('knows %s', (_, spec, expected) => expect(judged(spec, 'baseline')).toBe(expected));

  test('is content with a pod that says nothing', () => expect(judged({}, 'baseline')).toBe(''));

  const harmless: [string, Fields][] = [
    ['default capabilities', container({}, { capabilities: { add: ['CHOWN', 'KILL'] } })],
    ['the default proc mount', container({}, { procMount: 'Default' })],
    ['types of SELinux for containers', withSecurity({ seLinuxOptions: { type: 'container_engine_t', level: 's0' } })],
    ['a local seccomp profile', withSecurity({ seccompProfile: { type: 'Localhost', localhostProfile: 'x' } })],
    ['AppArmor profiles that confine', container({}, { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } })],
    ['probes of itself', container({ livenessProbe: { httpGet: { port: 1 } }, startupProbe: { tcpSocket: { port: 1, host: '' } } })],
  ];
  test.each(harmless)('allows %s', (_, spec) => expect(judged(spec, 'baseline')).toBe(''));
});

const restrictedRows: [string, Fields, string][] = [
  [
    'capabilities that are added, and dropped ones that are not all',
    container({}, { capabilities: { drop: ['KILL'], add: ['CHOWN', 'NET_BIND_SERVICE'] } }),
    'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container "a" must not include "CHOWN" in securityContext.capabilities.add)',
  ],
  [
    'volumes of the node and the network',
    {
      ...modestPod,
      volumes: [
        { name: 'v', hostPath: { path: '/' } },
        { name: 'w', nfs: { server: 's', path: '/' } },
        { name: 'i', image: {} },
      ],
    },
    'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
  ],
  [
    'root by itself',
    { ...withSecurity({ runAsNonRoot: false, runAsUser: 0 }) },
    'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false), runAsUser=0 (pod must not set runAsUser=0)',
  ],
  [
    'root in a container',
    container({}, { runAsNonRoot: false, runAsUser: 0 }),
    'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false), runAsUser=0 (container "a" must not set runAsUser=0)',
  ],
  [
    'init and ephemeral containers too',
    { ...modestPod, initContainers: [{ name: 'i', image: 'x' }], ephemeralContainers: [{ name: 'e', image: 'x' }] },
    'allowPrivilegeEscalation != false (containers "i", "e" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers "i", "e" must set securityContext.capabilities.drop=["ALL"])',
  ],
  [
    'a seccomp profile that says nothing, in a container without a name',
    container({ name: undefined }, { seccompProfile: {} }),
    'seccompProfile (container "" must not set securityContext.seccompProfile.type to "")',
  ],
  [
    'a seccomp profile of the container that does not confine',
    container({}, { seccompProfile: { type: 'Unconfined' } }),
    'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
];

describe('the restricted level beyond the baseline', () => {
  test.each(restrictedRows)('knows %s', (_, spec, expected) => expect(judged(spec, 'restricted')).toBe(expected));

  const baselineToo = baselineRows.filter(([name]) => !['capabilities', 'hostPath'].includes(name));
  test.each(baselineToo)('contains the check of %s', (_, spec, expected) => expect(judged(spec, 'restricted')).toBe(expected));
});

describe('a version', () => {
  const sysctl = (name: string): Fields => withSecurity({ sysctls: [{ name, value: '1' }] });
  const windows = { os: { name: 'windows' }, securityContext: { runAsNonRoot: true } };
  const rows: [string, Fields | PodLike, string, string][] = [
    ['privilege escalation', container({}, { allowPrivilegeEscalation: true }), 'restricted:v1.7', 'restricted:v1.8'],
    [
      'a seccomp profile that is missing',
      { ...modestPod, securityContext: { runAsNonRoot: true } },
      'restricted:v1.18',
      'restricted:v1.19',
    ],
    ['capabilities that are not dropped', container({}, { capabilities: {} }), 'restricted:v1.21', 'restricted:v1.22'],
    ['user 0', container({}, { runAsUser: 0 }), 'restricted:v1.22', 'restricted:v1.23'],
    ['hosts of probes', container({ livenessProbe: { httpGet: { port: 1, host: 'h' } } }), 'baseline:v1.33', 'baseline:v1.34'],
    ['seccomp annotations', withSecurity({ seccompProfile: { type: 'Unconfined' } }), 'baseline:v1.18', 'baseline:v1.19'],
  ];
  test.each(rows)('knows %s only from then on', (_, spec, before, after) => {
    expect(judged(spec, before)).toBe('');
    expect(judged(spec, after)).not.toBe('');
  });

  const relaxed: [string, Fields | PodLike, string, string][] = [
    ['reserved ports', sysctl('net.ipv4.ip_local_reserved_ports'), 'baseline:v1.26', 'baseline:v1.27'],
    ['keepalive', sysctl('net.ipv4.tcp_keepalive_time'), 'baseline:v1.28', 'baseline:v1.29'],
    ['socket buffers', sysctl('net.ipv4.tcp_wmem'), 'baseline:v1.31', 'baseline:v1.32'],
    ['engines under SELinux', withSecurity({ seLinuxOptions: { type: 'container_engine_t' } }), 'baseline:v1.30', 'baseline:v1.31'],
    ['Windows pods', windows, 'restricted:v1.24', 'restricted:v1.25'],
    [
      'root in a user namespace',
      { ...withSecurity({ runAsUser: 0, runAsNonRoot: false }), hostUsers: false },
      'restricted:v1.34',
      'restricted:v1.35',
    ],
    ['proc in a user namespace', { ...container({}, { procMount: 'Unmasked' }), hostUsers: false }, 'baseline:v1.34', 'baseline:v1.35'],
    [
      'profiles in annotations',
      pod(modestPod, { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }),
      'baseline:v1.18',
      'baseline:v1.19',
    ],
  ];
  test.each(relaxed)('allows %s from then on', (_, spec, before, after) => {
    expect(judged(spec, before)).not.toBe('');
    expect(judged(spec, after)).toBe('');
  });

  test('proc stays masked at the restricted level, user namespace or not', () => {
    expect(judged({ ...container({}, { procMount: 'Unmasked' }), hostUsers: false }, 'restricted:v1.35')).toBe(
      'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    );
  });

  test('before v1.19 the annotations of seccomp counted', () => {
    const annotated = pod(modestPod, {
      'container.seccomp.security.alpha.kubernetes.io/a': 'unconfined',
      'seccomp.security.alpha.kubernetes.io/pod': 'docker/default',
    });
    expect(judged(annotated, 'baseline:v1.10')).toBe(
      'seccompProfile (forbidden annotation container.seccomp.security.alpha.kubernetes.io/a="unconfined")',
    );
  });
});
