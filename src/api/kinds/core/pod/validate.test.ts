import { describe, expect, test } from 'vitest';
import { create, definitionOf, type Manifest, withField } from '../../strategy.suite.ts';

const pods = definitionOf('pods');
const base: Manifest = { metadata: { name: 'p', namespace: 'b' }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };

type Row = readonly [path: string, value: unknown, expected: readonly (string | RegExp)[]];

/** Sets one field of a good pod, and looks for exactly these faults. */
function check([path, value, expected]: Row, pod: Manifest = base): void {
  const { faults } = create(pods, withField(pod, path, value));
  expect(faults).toHaveLength(expected.length);
  expected.forEach((one, i) => (typeof one === 'string' ? expect(faults[i]).toBe(one) : expect(faults[i]).toMatch(one)));
}

const rows = (list: readonly Row[]): [string, Row][] => list.map((row) => [`${row[0]} = ${JSON.stringify(row[1])}`, row]);

describe('the pod', () => {
  test.each(
    rows([
      ['spec.containers', [], ['spec.containers: Required value']],
      [
        'spec.restartPolicy',
        'Sometimes',
        ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
      ],
      [
        'spec.dnsPolicy',
        'Mine',
        ['spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'],
      ],
      ['spec.dnsPolicy', 'None', ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None']],
      [
        'spec.dnsConfig',
        { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] },
        [/^spec\.dnsConfig\.nameservers: Invalid value: \[.*\]: must not have more than 3 nameservers/],
      ],
      ['spec.dnsConfig', { nameservers: ['x'] }, [/^spec\.dnsConfig\.nameservers\[0\]: Invalid value: "x": must be a valid IP address/]],
      ['spec.dnsConfig', { searches: ['a_b.local', '.', 'x.'] }, []],
      ['spec.dnsConfig', { searches: ['A'] }, [/^spec\.dnsConfig\.searches\[0\]: Invalid value: "A"/]],
      ['spec.dnsConfig', { options: [{ value: '1' }] }, ['spec.dnsConfig.options[0]: Required value: must not be empty']],
      ['spec.nodeSelector', { a: 'b c' }, [/^spec\.nodeSelector: Invalid value: "b c": a valid label/]],
      ['spec.nodeName', 'A', [/^spec\.nodeName: Invalid value: "A"/]],
      ['spec.serviceAccountName', 'A', [/^spec\.serviceAccountName: Invalid value: "A"/]],
      ['spec.activeDeadlineSeconds', 0, ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive']],
      ['spec.hostname', 'a.b', ['spec.hostname: Invalid value: "a.b": must not contain dots']],
      ['spec.subdomain', 'A', [/^spec\.subdomain: Invalid value: "A"/]],
      [
        'spec.hostAliases',
        [{ ip: 'x', hostnames: ['A'] }],
        [/hostAliases\[0\]\.ip: Invalid value: "x"/, /hostAliases\[0\]\.hostnames\[0\]: Invalid value: "A"/],
      ],
      ['spec.priorityClassName', 'A', [/^spec\.priorityClassName: Invalid value: "A"/]],
      ['spec.runtimeClassName', '', [/^spec\.runtimeClassName: Invalid value: ""/]],
      [
        'spec.preemptionPolicy',
        'Maybe',
        ['spec.preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"'],
      ],
      ['spec.overhead', { cpu: '-1' }, ['spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0']],
      ['spec.readinessGates', [{ conditionType: 'a b' }], [/^spec\.readinessGates\[0\]\.conditionType: Invalid value: "a b"/]],
      ['spec.schedulingGates', [{ name: 'a' }, { name: 'a' }], ['spec.schedulingGates[1]: Duplicate value: "a"']],
      ['spec.ephemeralContainers', [{ name: 'e', image: 'x' }], ['spec.ephemeralContainers: Forbidden: cannot be set on create']],
      ['spec.os', { name: 'beos' }, ['spec.os: Unsupported value: "beos": supported values: "linux", "windows"']],
      ['spec.os', { name: '' }, ['spec.os.name: Required value: cannot be empty']],
      ['spec.hostnameOverride', 'a'.repeat(65), ['spec.hostnameOverride: Too long: may not be more than 64 bytes']],
      [
        'spec.resourceClaims',
        [{ name: 'a' }],
        [
          /^spec\.resourceClaims\[0\]: Invalid value: \{"name":"a"\}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`/,
        ],
      ],
      [
        'metadata.annotations',
        { 'kubernetes.io/config.mirror': 'x' },
        ['metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set'],
      ],
      [
        'metadata.annotations',
        { 'controller.kubernetes.io/pod-deletion-cost': '1.5' },
        ['metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "1.5": must be a 32bit integer'],
      ],
      [
        'metadata.annotations',
        { 'container.apparmor.security.beta.kubernetes.io/x': 'odd' },
        [/Invalid value: "x": container not found$/, /Invalid value: "odd": invalid AppArmor profile name: "odd"$/],
      ],
    ]),
  )('%s', (_name, row) => check(row));

  test('a gated pod has no node', () => {
    check(
      ['spec.nodeName', 'n1', ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared']],
      withField(base, 'spec.schedulingGates', [{ name: 'a' }]),
    );
  });
});

describe('a container', () => {
  const at = 'spec.containers.0';
  const shown = 'spec.containers[0]';
  test.each(
    rows([
      [`${at}.name`, '', [`${shown}.name: Required value`]],
      [`${at}.name`, 'A.b', [new RegExp(`^spec\\.containers\\[0\\]\\.name: Invalid value: "A\\.b": a lowercase RFC 1123 label`)]],
      [
        'spec.containers',
        [
          { name: 'c', image: 'x' },
          { name: 'c', image: 'x' },
        ],
        ['spec.containers[1].name: Duplicate value: "c"'],
      ],
      ['spec.initContainers', [{ name: 'c', image: 'x' }], ['spec.initContainers[0].name: Duplicate value: "c"']],
      [`${at}.image`, '', [`${shown}.image: Required value`]],
      [`${at}.image`, ' x ', [`${shown}.image: Invalid value: " x ": must not have leading or trailing whitespace`]],
      [
        `${at}.imagePullPolicy`,
        'Often',
        [`${shown}.imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never"`],
      ],
      [
        `${at}.terminationMessagePolicy`,
        'Loud',
        [`${shown}.terminationMessagePolicy: Unsupported value: "Loud": supported values: "File", "FallbackToLogsOnError"`],
      ],
      [`${at}.ports`, [{}], [`${shown}.ports[0].containerPort: Required value`]],
      [
        `${at}.ports`,
        [{ containerPort: 65_536 }],
        [`${shown}.ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive`],
      ],
      [
        `${at}.ports`,
        [
          { containerPort: 1, name: 'a' },
          { containerPort: 2, name: 'a' },
        ],
        [`${shown}.ports[1].name: Duplicate value: "a"`],
      ],
      [
        `${at}.ports`,
        [
          { containerPort: 1, hostPort: 80 },
          { containerPort: 2, hostPort: 80 },
        ],
        [`${shown}.ports[1].hostPort: Duplicate value: "TCP//80"`],
      ],
      [`${at}.env`, [{ name: '' }], [`${shown}.env[0].name: Required value`]],
      [
        `${at}.env`,
        [{ name: 'a=b' }],
        [
          `${shown}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
        ],
      ],
      [
        `${at}.env`,
        [{ name: 'a', valueFrom: {} }],
        [
          `${shown}.env[0].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`, \`secretKeyRef\` or \`fileKeyRef\``,
        ],
      ],
      [
        `${at}.env`,
        [{ name: 'a', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        [`${shown}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
      ],
      [
        `${at}.env`,
        [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'spec.priority' } } }],
        [
          `${shown}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.priority": error converting fieldPath: field label not supported: spec.priority`,
        ],
      ],
      [
        `${at}.env`,
        [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }],
        [/fieldPath: Unsupported value: "metadata\.labels": supported values: "metadata\.name", "metadata\.namespace", "metadata\.uid"/],
      ],
      [`${at}.env`, [{ name: 'a', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }], []],
      [
        `${at}.env`,
        [{ name: 'a', valueFrom: { resourceFieldRef: { resource: 'limits.gpu' } } }],
        [
          /resource: Unsupported value: "limits\.gpu": supported values: "limits\.cpu", "limits\.ephemeral-storage", "limits\.memory", "requests\.cpu"/,
        ],
      ],
      [
        `${at}.env`,
        [{ name: 'a', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } }],
        [
          `${shown}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
        ],
      ],
      [
        `${at}.env`,
        [{ name: 'a', valueFrom: { secretKeyRef: { name: 's' } } }],
        [`${shown}.env[0].valueFrom.secretKeyRef.key: Required value`],
      ],
      [`${at}.envFrom`, [{}], [`${shown}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``]],
      [
        `${at}.envFrom`,
        [{ configMapRef: { name: 'a' }, secretRef: { name: 'b' } }],
        [/may not have more than one field specified at a time$/],
      ],
      [
        `${at}.resources`,
        { limits: { cpu: 'x' } },
        [/limits\[cpu\]: Invalid value: "x": quantities must match/, /requests\[cpu\]: Invalid value: "x": quantities must match/],
      ],
      [
        `${at}.resources`,
        { limits: { cpu: '1' }, requests: { cpu: '2' } },
        [`${shown}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`],
      ],
      [
        `${at}.resources`,
        { requests: { gpu: '1' } },
        [/must be a standard resource type or fully qualified$/, /must be a standard resource for containers$/],
      ],
      [
        `${at}.resources`,
        { requests: { 'x.io/gpu': '1' } },
        [`${shown}.resources.limits: Required value: Limit must be set for non overcommitable resources`],
      ],
      [
        `${at}.resources`,
        { limits: { 'x.io/gpu': '2' }, requests: { 'x.io/gpu': '1' } },
        [`${shown}.resources.requests: Invalid value: "1": must be equal to x.io/gpu limit of 2`],
      ],
      [
        `${at}.resources`,
        { limits: { 'hugepages-2Mi': '3Mi' } },
        [
          /3Mi is not positive integer multiple of hugepages-2Mi$/,
          /3Mi is not positive integer multiple/,
          `${shown}.resources: Forbidden: HugePages require cpu or memory`,
        ],
      ],
      [
        `${at}.resources`,
        { claims: [{ name: 'a' }] },
        [`${shown}.resources.claims[0]: Not found: "a": must be one of the names in pod.spec.resourceClaims which is empty`],
      ],
      [
        `${at}.resizePolicy`,
        [{ resourceName: 'gpu', restartPolicy: 'NotRequired' }],
        [`${shown}.resizePolicy: Unsupported value: "gpu": supported values: "cpu", "memory"`],
      ],
      [
        `${at}.restartPolicy`,
        'Now',
        [`${shown}.restartPolicy: Unsupported value: "Now": supported values: "Always", "Never", "OnFailure"`],
      ],
      [
        `${at}.restartPolicyRules`,
        [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }],
        [`${shown}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`],
      ],
    ]),
  )('%s', (_name, row) => check(row));
});

describe('handlers', () => {
  const at = 'spec.containers.0';
  const shown = 'spec.containers[0]';
  test.each(
    rows([
      [`${at}.livenessProbe`, {}, [`${shown}.livenessProbe: Required value: must specify a handler type`]],
      [`${at}.livenessProbe`, { exec: {} }, [`${shown}.livenessProbe.exec.command: Required value`]],
      [
        `${at}.livenessProbe`,
        { exec: { command: ['x'] }, tcpSocket: { port: 1 } },
        [`${shown}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`],
      ],
      [
        `${at}.livenessProbe`,
        { tcpSocket: { port: 1 }, successThreshold: 2 },
        [`${shown}.livenessProbe.successThreshold: Invalid value: 2: must be 1`],
      ],
      [`${at}.readinessProbe`, { tcpSocket: { port: 1 }, successThreshold: 2 }, []],
      [
        `${at}.readinessProbe`,
        { tcpSocket: { port: 1 }, terminationGracePeriodSeconds: 5 },
        [`${shown}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes`],
      ],
      [`${at}.startupProbe`, { tcpSocket: { port: 'Web' } }, [/tcpSocket\.port: Invalid value: "Web": must contain only alpha-numeric/]],
      [`${at}.startupProbe`, { grpc: { port: 0 } }, [/grpc\.port: Invalid value: 0: must be between 1 and 65535, inclusive/]],
      [
        `${at}.livenessProbe`,
        { httpGet: { port: 80, scheme: 'FTP', httpHeaders: [{ name: 'a b' }] } },
        [
          /scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"/,
          /httpHeaders: Invalid value: "a b": a valid HTTP header must/,
        ],
      ],
      [
        `${at}.livenessProbe`,
        { tcpSocket: { port: 1 }, periodSeconds: -1 },
        [`${shown}.livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0`],
      ],
      [
        `${at}.lifecycle`,
        { preStop: { sleep: { seconds: 31 } } },
        [`${shown}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`],
      ],
      [`${at}.lifecycle`, { postStart: {} }, [`${shown}.lifecycle.postStart: Required value: must specify a handler type`]],
      [
        'spec.initContainers',
        [{ name: 'i', image: 'x', livenessProbe: { tcpSocket: { port: 1 } } }],
        ['spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
      ],
      ['spec.initContainers', [{ name: 'i', image: 'x', restartPolicy: 'Always', livenessProbe: { tcpSocket: { port: 1 } } }], []],
    ]),
  )('%s', (_name, row) => check(row));
});

describe('volumes and mounts', () => {
  const volume = (source: Manifest): Manifest[] => [{ name: 'v', ...source }];
  test.each(
    rows([
      ['spec.volumes', [{ emptyDir: {} }], ['spec.volumes[0].name: Required value']],
      ['spec.volumes', [{ name: 'v' }, { name: 'v' }], ['spec.volumes[1].name: Duplicate value: "v"']],
      [
        'spec.volumes',
        volume({ emptyDir: {}, hostPath: { path: '/' } }),
        ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
      ],
      [
        'spec.volumes',
        volume({ emptyDir: { sizeLimit: '-1' } }),
        ['spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity'],
      ],
      [
        'spec.volumes',
        volume({ hostPath: { path: '/a/../b' } }),
        ['spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\''],
      ],
      [
        'spec.volumes',
        volume({ hostPath: { path: '/a', type: 'Odd' } }),
        [/hostPath\.type: Unsupported value: "Odd": supported values: "", "BlockDevice"/],
      ],
      ['spec.volumes', volume({ hostPath: {} }), ['spec.volumes[0].hostPath.path: Required value']],
      ['spec.volumes', volume({ configMap: {} }), ['spec.volumes[0].configMap.name: Required value']],
      [
        'spec.volumes',
        volume({ secret: { secretName: 's', defaultMode: 0o1000 } }),
        ['spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive'],
      ],
      [
        'spec.volumes',
        volume({ configMap: { name: 'c', items: [{ key: 'a', path: '/x' }] } }),
        ['spec.volumes[0].configMap.items[0].path: Invalid value: "/x": must be a relative path'],
      ],
      [
        'spec.volumes',
        volume({ configMap: { name: 'c', items: [{ key: 'a', path: '..x' }] } }),
        ['spec.volumes[0].configMap.items[0].path: Invalid value: "..x": must not start with \'..\''],
      ],
      [
        'spec.volumes',
        volume({ configMap: { name: 'c', items: [{}] } }),
        ['spec.volumes[0].configMap.items[0].key: Required value', 'spec.volumes[0].configMap.items[0].path: Required value'],
      ],
      [
        'spec.volumes',
        volume({ nfs: { server: 's', path: 'x' } }),
        ['spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path'],
      ],
      ['spec.volumes', volume({ persistentVolumeClaim: {} }), ['spec.volumes[0].persistentVolumeClaim.claimName: Required value']],
      ['spec.volumes', volume({ csi: { driver: 'a b' } }), [/csi\.driver: Invalid value: "a b"/]],
      [
        'spec.volumes',
        volume({ downwardAPI: { items: [{ path: 'a' }] } }),
        ['spec.volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required'],
      ],
      [
        'spec.volumes',
        volume({ downwardAPI: { items: [{ path: 'a', resourceFieldRef: { resource: 'limits.cpu' } }] } }),
        ['spec.volumes[0].downwardAPI.resourceFieldRef.containerName: Required value'],
      ],
      ['spec.volumes', volume({ gcePersistentDisk: {} }), ['spec.volumes[0].persistentDisk.pdName: Required value']],
      [
        'spec.volumes',
        volume({ iscsi: { targetPortal: 'a', iqn: 'x', lun: 300 } }),
        [
          /iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa/,
          /lun: Invalid value: 300: must be between 0 and 255, inclusive/,
        ],
      ],
      ['spec.volumes', volume({ ephemeral: {} }), ['spec.volumes[0].ephemeral.volumeClaimTemplate: Required value']],
      [
        'spec.volumes',
        volume({ ephemeral: { volumeClaimTemplate: { metadata: { name: 'x' }, spec: { accessModes: ['Often'] } } } }),
        [
          'spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set',
          /accessModes: Unsupported value: "Often": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"/,
          'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value',
        ],
      ],
      ['spec.volumes', volume({ image: {} }), ['spec.volumes[0].image.reference: Required value']],
      [
        'spec.volumes',
        volume({ projected: { sources: [{ secret: { name: 's' }, configMap: { name: 'c' } }] } }),
        ['spec.volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source'],
      ],
      [
        'spec.volumes',
        volume({
          projected: {
            sources: [
              { secret: { name: 's', items: [{ key: 'a', path: 'x' }] } },
              { configMap: { name: 'c', items: [{ key: 'a', path: 'x' }] } },
            ],
          },
        }),
        ['spec.volumes[0].projected: Invalid value: "c": conflicting duplicate paths'],
      ],
      [
        'spec.volumes',
        volume({ projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 60 } }] } }),
        [
          /expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes/,
          /serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set/,
        ],
      ],
      ['spec.containers.0.volumeMounts', [{ name: 'x', mountPath: '/x' }], ['spec.containers[0].volumeMounts[0].name: Not found: "x"']],
    ]),
  )('%s', (_name, row) => check(row));

  const mounted = withField(base, 'spec.volumes', [{ name: 'v' }, { name: 'claim', persistentVolumeClaim: { claimName: 'c' } }]);
  test.each(
    rows([
      [
        'spec.containers.0.volumeMounts',
        [
          { name: 'v', mountPath: '/a' },
          { name: 'v', mountPath: '/a' },
        ],
        ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique'],
      ],
      ['spec.containers.0.volumeMounts', [{ name: 'v' }], ['spec.containers[0].volumeMounts[0].mountPath: Required value']],
      [
        'spec.containers.0.volumeMounts',
        [{ name: 'v', mountPath: '/a', subPath: '../b' }],
        ['spec.containers[0].volumeMounts.subPath: Invalid value: "../b": must not contain \'..\''],
      ],
      [
        'spec.containers.0.volumeMounts',
        [{ name: 'v', mountPath: '/a', subPath: 'b', subPathExpr: 'c' }],
        [/subPathExpr and subPath are mutually exclusive$/],
      ],
      [
        'spec.containers.0.volumeMounts',
        [{ name: 'v', mountPath: '/a', mountPropagation: 'Bidirectional' }],
        [/Bidirectional mount propagation is available only to privileged containers$/],
      ],
      [
        'spec.containers.0.volumeMounts',
        [{ name: 'v', mountPath: '/a', recursiveReadOnly: 'Enabled' }],
        [/may only be specified when readOnly is true$/],
      ],
      [
        'spec.containers.0.volumeDevices',
        [{ name: 'v', devicePath: '/dev/a' }],
        [/can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode$/],
      ],
      ['spec.containers.0.volumeDevices', [{ name: 'claim', devicePath: '/dev/../a' }], [/can not contain backsteps \('\.\.'\)$/]],
    ]),
  )('%s', (_name, row) => check(row, mounted));
});

describe('security', () => {
  test.each(
    rows([
      [
        'spec.securityContext',
        { runAsUser: -1 },
        ['spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 4294967295, inclusive'],
      ],
      ['spec.securityContext', { supplementalGroups: [-5] }, [/^spec\.securityContext\.supplementalGroups\[0\]: Invalid value: -5/]],
      [
        'spec.securityContext',
        { sysctls: [{ name: 'a b', value: '' }] },
        [/^spec\.securityContext\.sysctls\[0\]\.name: Invalid value: "a b": must have at most 253 characters and match regex/],
      ],
      [
        'spec.securityContext',
        { seccompProfile: { type: 'Localhost' } },
        ['spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost'],
      ],
      [
        'spec.securityContext',
        { seccompProfile: { type: 'Odd' } },
        [/type: Unsupported value: "Odd": supported values: "Localhost", "RuntimeDefault", "Unconfined"/],
      ],
      [
        'spec.securityContext',
        { appArmorProfile: { type: 'RuntimeDefault', localhostProfile: 'x' } },
        [/can only be set when AppArmor type is Localhost$/],
      ],
      [
        'spec.securityContext',
        { fsGroupChangePolicy: 'Never' },
        [/fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", "OnRootMismatch"/],
      ],
      [
        'spec.containers.0.securityContext',
        { allowPrivilegeEscalation: false, privileged: true },
        [/cannot set `allowPrivilegeEscalation` to false and `privileged` to true$/],
      ],
      ['spec.containers.0.securityContext', { procMount: 'Unmasked' }, [/`hostUsers` must be false to use `Unmasked`$/]],
      [
        'spec.containers.0.securityContext',
        { windowsOptions: { runAsUserName: 'a\\b\\c' } },
        [/runAsUserName cannot contain more than one backslash$/],
      ],
    ]),
  )('%s', (_name, row) => check(row));

  test('a pod with users of its own shares nothing else', () => {
    check(
      ['spec.hostPID', true, ['spec.HostPID: Forbidden: when `pod.Spec.HostUsers` is false']],
      withField(base, 'spec.hostUsers', false),
    );
  });

  test('namespaced sysctls need the namespace', () => {
    const pod = withField(base, 'spec.securityContext', { sysctls: [{ name: 'net.ipv4.ip_forward', value: '1' }] });
    check(
      [
        'spec.hostNetwork',
        true,
        ['spec.securityContext.sysctls[0].name: Invalid value: "net.ipv4.ip_forward": may not be specified when \'hostNetwork\' is true'],
      ],
      pod,
    );
  });

  test('ports on the host’s network', () => {
    check(
      [
        'spec.containers.0.ports',
        [{ containerPort: 80, hostPort: 81 }],
        ['spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true'],
      ],
      withField(base, 'spec.hostNetwork', true),
    );
  });
});

describe('scheduling', () => {
  const nodeTerm = (requirement: Manifest): Manifest => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } },
  });
  const requirementPath =
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]';
  test.each(
    rows([
      [
        'spec.tolerations',
        [{ operator: 'Equal' }],
        [
          'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ],
      ],
      [
        'spec.tolerations',
        [{ key: 'a', operator: 'Exists', value: 'b' }],
        ['spec.tolerations[0].operator: Invalid value: "b": value must be empty when `operator` is \'Exists\''],
      ],
      [
        'spec.tolerations',
        [{ key: 'a', operator: 'Near' }],
        ['spec.tolerations[0].operator: Unsupported value: "Near": supported values: "Equal", "Exists"'],
      ],
      [
        'spec.tolerations',
        [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 5 }],
        ['spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set'],
      ],
      [
        'spec.affinity',
        nodeTerm({ key: 'a', operator: 'In' }),
        [`${requirementPath}.values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`],
      ],
      [
        'spec.affinity',
        nodeTerm({ key: 'a', operator: 'Gt', values: ['1', '2'] }),
        [`${requirementPath}.values: Required value: must be specified single value when \`operator\` is 'Lt' or 'Gt'`],
      ],
      [
        'spec.affinity',
        nodeTerm({ key: 'a b', operator: 'Exists' }),
        [new RegExp(`${requirementPath.replace(/[.[\]]/g, '\\$&')}\\.key: Invalid value: "a b"`)],
      ],
      [
        'spec.affinity',
        { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } },
        [/nodeSelectorTerms: Required value: must have at least one node selector term$/],
      ],
      [
        'spec.affinity',
        { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, preference: {} }] } },
        [/\[0\]\.weight: Invalid value: 0: must be in the range 1-100$/],
      ],
      [
        'spec.affinity',
        { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {} }] } },
        [
          /topologyKey: Required value: can not be empty$/,
          /topologyKey: Invalid value: "": name part must be non-empty/,
          /topologyKey: Invalid value: ""/,
        ],
      ],
      [
        'spec.affinity',
        {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'z', labelSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
            ],
          },
        },
        [/matchExpressions\[0\]\.operator: Invalid value: "Near": not a valid selector operator$/],
      ],
      [
        'spec.topologySpreadConstraints',
        [{ maxSkew: 0, whenUnsatisfiable: 'Never' }],
        [
          'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
          'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
          'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Never": supported values: "DoNotSchedule", "ScheduleAnyway"',
        ],
      ],
      [
        'spec.topologySpreadConstraints',
        [{ maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'ScheduleAnyway', minDomains: 1, labelSelector: {} }],
        [
          'spec.topologySpreadConstraints[0].minDomains: Invalid value: 1: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
        ],
      ],
    ]),
  )('%s', (_name, row) => check(row));
});

describe('pod-level resources', () => {
  const sized = withField(base, 'spec.containers.0.resources', { requests: { cpu: '2' }, limits: { cpu: '3' } });
  test.each(
    rows([
      [
        'spec.resources',
        { requests: { cpu: '1' } },
        ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2'],
      ],
      [
        'spec.resources',
        { limits: { cpu: '2' } },
        ['spec.resources.containers[0][cpu].limits: Invalid value: "3": must be less than or equal to pod limits of 2'],
      ],
      [
        'spec.resources',
        { requests: { cpu: '2', 'ephemeral-storage': '1' } },
        [
          'spec.resources.requests[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported values: "cpu", "hugepages-", "memory"',
        ],
      ],
    ]),
  )('%s', (_name, row) => check(row, sized));
});
