import { expect, test } from 'vitest';
import { create, decode, definitionOf, type Manifest, update, withField } from '../../strategy.suite.ts';

const pods = definitionOf('pods');
const base: Manifest = { metadata: { name: 'p', namespace: 'b' }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } };

test.each<[string, unknown, string[]]>([
  ['metadata.labels', {}, []],
  [
    'metadata.name',
    'a.b',
    [
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    ],
  ],
  [
    'spec.nodeSelector',
    { 'beta.kubernetes.io/os': 'linux' },
    ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
  ],
  [
    'spec.topologySpreadConstraints',
    [{ maxSkew: 1, topologyKey: 'failure-domain.beta.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' }],
    [
      'spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
      'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
    ],
  ],
  [
    'metadata.annotations',
    { 'scheduler.alpha.kubernetes.io/critical-pod': '' },
    [
      'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
    ],
  ],
  [
    'spec.volumes',
    [{ name: 'v', glusterfs: { endpoints: 'e', path: 'p' } }],
    ['spec.volumes[0].glusterfs: deprecated in v1.25, non-functional in v1.26+'],
  ],
  ['spec.hostAliases', [{ ip: '1.1.1.1' }, { ip: '1.1.1.1' }], ['spec.hostAliases[1].ip: duplicate ip "1.1.1.1"']],
  [
    'spec.imagePullSecrets',
    [{ name: 'a' }, { name: 'a' }, {}],
    ['spec.imagePullSecrets[1].name: duplicate name "a"', 'spec.imagePullSecrets[2].name: invalid empty name ""'],
  ],
  [
    'spec.containers.0.resources',
    { requests: { memory: '100m' } },
    ['spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer'],
  ],
  [
    'spec.containers.0.env',
    [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
    ],
    ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
  ],
  [
    'spec.containers.0.env',
    [
      { name: 'A', value: '1' },
      { name: 'A', value: '$(A)2' },
    ],
    [],
  ],
  [
    'spec.containers.0.ports',
    [{ containerPort: 80 }, { containerPort: 80 }],
    ['spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]'],
  ],
  [
    'spec.containers.0.ports',
    [{ containerPort: 80, hostPort: 80 }, { containerPort: 80 }],
    ['spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]'],
  ],
  [
    'spec.containers.0.ports',
    [{ containerPort: 80, hostIP: '1.2.3.4' }],
    ['spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.2.3.4}'],
  ],
  [
    'spec.affinity',
    {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z' }] },
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: 'z' } }] },
    },
    [
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod',
      'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: a null labelSelector results in matching no pod',
    ],
  ],
  [
    'spec',
    {
      serviceAccountName: 'a',
      containers: [{ name: 'c', image: 'x' }],
      volumes: [
        {
          name: 'v',
          projected: {
            sources: [
              { serviceAccountToken: { path: 'token' } },
              {
                configMap: {
                  name: 'm',
                  items: [
                    { key: 'a', path: 'other' },
                    { key: 'b', path: 'token' },
                  ],
                },
              },
            ],
          },
        },
      ],
    },
    ['spec.volumes[0].projected.sources.configMap[1]: has duplicated path with ServiceAccountToken "token"'],
  ],
  [
    'spec.volumes',
    [{ name: 'v', storageos: { volumeName: 'v' } }],
    ['spec.volumes[0].storageOS: deprecated in v1.22, non-functional in v1.25+'],
  ],
  [
    'spec.terminationGracePeriodSeconds',
    -1,
    ['spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1'],
  ],
])('%s = %j', (path, value, expected) => expect(create(pods, withField(base, path, value)).warnings).toEqual(expected));

test('an update of a pod does not warn; a template warns once, with its own path', () => {
  const odd = withField(base, 'spec.terminationGracePeriodSeconds', -1);
  expect(update(pods, { old: decode(pods, odd), manifest: odd }).warnings).toEqual([]);
  const deployments = definitionOf('deployments', 'apps');
  const template = { metadata: { labels: { a: 'b' } }, spec: odd['spec'] };
  const deployment = { metadata: { name: 'd', namespace: 'b' }, spec: { selector: { matchLabels: { a: 'b' } }, template } };
  const path = 'spec.template.spec.terminationGracePeriodSeconds';
  expect(create(deployments, deployment).warnings).toEqual([`${path}: must be >= 0; negative values are invalid and will be treated as 1`]);
  expect(update(deployments, { old: decode(deployments, deployment), manifest: deployment }).warnings).toEqual([]);
});
