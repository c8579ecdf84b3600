import { describe, test } from 'vitest';
import { withField } from '../../strategy.suite.ts';
import { check, goodPod, rows } from './pod-rows.suite.ts';

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

describe('security', () => {
  test.each(
    rows([
      [
        'spec.securityContext',
        { runAsUser: -1 },
        ['spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive'],
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
        [
          /: Invalid value: \{"Capabilities":null,"Privileged":true,.*\}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true$/,
        ],
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
    check(['spec.hostPID', true, ['spec.HostPID: Forbidden: when `hostUsers` is false']], withField(goodPod, 'spec.hostUsers', false));
  });

  test.each<[string, object, string[]]>([
    ['empty', { emptyDir: {} }, []],
    ['not empty', { configMap: { name: 'm' } }, ['Invalid value: "v": referenced volume must be of type emptyDir']],
    ['of another name', { name: 'w' }, ['Not found: "v"']],
  ])('a variable from a file of a volume that is %s', (_name, source, faults) => {
    const fileKeyRef = { volumeName: 'v', path: '/dir/file', key: 'KEY' };
    const path = 'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName';
    check(
      ['spec.volumes', [{ name: 'v', ...source }], faults.map((fault) => `${path}: ${fault}`)],
      withField(goodPod, 'spec.containers.0.env', [{ name: 'A', valueFrom: { fileKeyRef } }]),
    );
  });

  test('a pod with users of its own has no block devices', () => {
    const claim = { name: 'd', persistentVolumeClaim: { claimName: 'd' } };
    check(
      [
        'spec.containers.0.volumeDevices',
        [{ name: 'd', devicePath: '/dev/d' }],
        ['spec.containers[0].volumeDevices: Forbidden: when `hostUsers` is false'],
      ],
      withField(withField(goodPod, 'spec.hostUsers', false), 'spec.volumes', [claim]),
    );
  });

  test.each(
    rows([
      // Upstream takes the policy wherever it stands.
      ['spec.initContainers', [{ name: 'i', image: 'x', resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] }], []],
      [
        'spec.initContainers',
        [
          {
            name: 'i',
            image: 'x',
            restartPolicy: 'Always',
            restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }],
          },
        ],
        [
          'spec.initContainers[0].restartPolicyRules: Forbidden: restartPolicyRules are not allowed for init containers with restart policy Always',
        ],
      ],
      [
        'spec.initContainers',
        [{ name: 'i', image: 'x', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }] }],
        ['spec.initContainers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used'],
      ],
    ]),
  )('%s', (_name, row) => check(row));

  test('namespaced sysctls need the namespace', () => {
    const pod = withField(goodPod, 'spec.securityContext', { sysctls: [{ name: 'net.ipv4.ip_forward', value: '1' }] });
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
      withField(goodPod, 'spec.hostNetwork', true),
    );
  });
});
