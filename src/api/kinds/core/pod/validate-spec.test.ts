import { describe, expect, test } from 'vitest';
import { create, definitionOf, type Manifest, withField } from '../../strategy.suite.ts';
import { check, goodPod, type Row, rows } from './pod-rows.suite.ts';

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
      ['spec.preemptionPolicy', '', ['spec.preemptionPolicy: Required value']],
      ['spec.overhead', { cpu: '-1' }, ['spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0']],
      ['spec.readinessGates', [{ conditionType: 'a b' }], [/^spec\.readinessGates\[0\]\.conditionType: Invalid value: "a b"/]],
      ['spec.schedulingGates', [{ name: 'a' }, { name: 'a' }], ['spec.schedulingGates[1]: Duplicate value: "a"']],
      ['spec.ephemeralContainers', [{ name: 'e', image: 'x' }], ['spec.ephemeralContainers: Forbidden: cannot be set on create']],
      ['spec.os', { name: 'beos' }, ['spec.os: Unsupported value: "beos": supported values: "linux", "windows"']],
      ['spec.os', { name: '' }, ['spec.os.name: Required value']],
      ['spec.hostnameOverride', 'a'.repeat(65), ['spec.hostnameOverride: Too long: may not be more than 64 bytes']],
      [
        'spec.resourceClaims',
        [{ name: 'a' }],
        [
          /^spec\.resourceClaims\[0\]: Invalid value: \{"Name":"a","ResourceClaimName":null,"ResourceClaimTemplateName":null\}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`/,
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
      ...['0', '-0', '-01', '-2147483648', '2147483647'].map((cost): Row => [
        'metadata.annotations',
        { 'controller.kubernetes.io/pod-deletion-cost': cost },
        [],
      ]),
      ...['', '+1', '01', '2147483648'].map((cost): Row => [
        'metadata.annotations',
        { 'controller.kubernetes.io/pod-deletion-cost': cost },
        [/must be a 32bit integer$/],
      ]),
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
      withField(goodPod, 'spec.schedulingGates', [{ name: 'a' }]),
    );
  });
});

describe('scheduling', () => {
  const nodeTerm = (requirement: Manifest): Manifest => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } },
  });
  const spread = { maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'ScheduleAnyway' };
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
        [{ key: 'a', operator: 'Gt', value: '5' }],
        ['spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt"'],
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
        'spec',
        { ...(goodPod['spec'] as Manifest), topologySpreadConstraints: [{ ...spread, labelSelector: {}, matchLabelKeys: ['a b'] }] },
        [/^spec\.topologySpreadConstraints\[0\]\.matchLabelKeys\[0\]: Invalid value: "a b"/],
      ],
      [
        'spec.topologySpreadConstraints',
        [{ ...spread, matchLabelKeys: ['a b'] }],
        ['spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set'],
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

test('a label key that the selector names already', () => {
  const spread = { maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'ScheduleAnyway', matchLabelKeys: ['app'] };
  const constraints = [{ ...spread, labelSelector: { matchLabels: { app: 'x' } } }];
  const labelled = withField(goodPod, 'metadata.labels', { app: 'x' });
  check(
    [
      'spec.topologySpreadConstraints',
      constraints,
      ['spec.topologySpreadConstraints[0][0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector'],
    ],
    labelled,
  );
  // A template does not show it: its selector is completed when a pod is made of it.
  const template = withField(labelled, 'spec.topologySpreadConstraints', constraints);
  const manifest = { metadata: { name: 'd', namespace: 'b' }, spec: { selector: { matchLabels: { app: 'x' } }, template } };
  expect(create(definitionOf('deployments', 'apps'), manifest).faults).toEqual([]);
});

describe('pod-level resources', () => {
  const sized = withField(goodPod, 'spec.containers.0.resources', { requests: { cpu: '2' }, limits: { cpu: '3' } });
  test.each(
    rows([
      [
        'spec.resources',
        { requests: { cpu: '1' } },
        ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2'],
      ],
      // What the pod as a whole does not name is not compared.
      ['spec.resources', { requests: { memory: '1Gi' } }, []],
      [
        'spec.resources',
        { requests: { cpu: '2' }, claims: [] },
        [/^spec\.resources\.claims: Forbidden: claims may not be set for Resources/],
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
