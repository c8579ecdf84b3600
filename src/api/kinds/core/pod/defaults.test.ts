import { describe, expect, test } from 'vitest';
import { isLatestImage } from '../image-reference.ts';
import { create, decode, definitionOf, type Manifest } from '../../strategy.suite.ts';

const pods = definitionOf('pods');
const podOf = (spec: Manifest, containers: readonly Manifest[] = [{ name: 'c', image: 'nginx:1' }]): Manifest => ({
  metadata: { name: 'p', namespace: 'b' },
  spec: { containers, ...spec },
});
const specOf = (manifest: Manifest): Manifest => decode(pods, manifest)['spec'] as Manifest;
const containerOf = (container: Manifest): Manifest => (specOf(podOf({}, [{ name: 'c', ...container }]))['containers'] as Manifest[])[0]!;

test('a bare pod', () => {
  expect(create(pods, podOf({}))).toMatchObject({ faults: [], warnings: [] });
  expect(create(pods, podOf({})).object).toMatchObject({
    spec: {
      containers: [
        {
          name: 'c',
          image: 'nginx:1',
          imagePullPolicy: 'IfNotPresent',
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          resources: {},
        },
      ],
      dnsPolicy: 'ClusterFirst',
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      schedulerName: 'default-scheduler',
      securityContext: {},
      enableServiceLinks: true,
    },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  });
});

test('decoding twice changes nothing', () => {
  const once = decode(
    pods,
    podOf({ volumes: [{ name: 'v' }], hostNetwork: true }, [{ name: 'c', image: 'x', ports: [{ containerPort: 80 }] }]),
  );
  expect(decode(pods, once)).toEqual(once);
});

test.each([
  ['nginx', true],
  ['nginx:latest', true],
  ['nginx:1.25', false],
  ['localhost:5000/nginx', true],
  ['localhost:5000/nginx:1', false],
  ['nginx@sha256:abc', false],
  ['nginx:latest@sha256:abc', false],
])('%s is the latest: %s', (image, expected) => {
  expect(isLatestImage(image)).toBe(expected);
  expect(containerOf({ image })).toMatchObject({ imagePullPolicy: expected ? 'Always' : 'IfNotPresent' });
});

describe('containers', () => {
  test.each<[string, Manifest, Manifest]>([
    ['ports are TCP', { ports: [{ containerPort: 80 }] }, { ports: [{ containerPort: 80, protocol: 'TCP' }] }],
    [
      'probes',
      { livenessProbe: { httpGet: { port: 80 } } },
      {
        livenessProbe: {
          httpGet: { port: 80, path: '/', scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
      },
    ],
    ['a gRPC probe', { startupProbe: { grpc: { port: 1 } } }, { startupProbe: { grpc: { port: 1, service: '' } } }],
    [
      'hooks',
      { lifecycle: { preStop: { httpGet: { port: 80 } } } },
      { lifecycle: { preStop: { httpGet: { port: 80, path: '/', scheme: 'HTTP' } } } },
    ],
    [
      'references to fields and resources',
      {
        env: [
          { name: 'a', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'b', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        ],
      },
      { env: [{ valueFrom: { fieldRef: { apiVersion: 'v1' } } }, { valueFrom: { resourceFieldRef: { divisor: '0' } } }] },
    ],
    [
      'amounts are canonical, and never finer than a thousandth',
      { resources: { requests: { cpu: '0.1', memory: '1024Mi', 'ephemeral-storage': '1u' } } },
      { resources: { requests: { cpu: '100m', memory: '1Gi', 'ephemeral-storage': '1m' } } },
    ],
    [
      'limits are requests where none are named',
      { resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } },
      { resources: { requests: { cpu: '500m', memory: '1Gi' } } },
    ],
  ])('%s', (_name, container, expected) => expect(containerOf(container)).toMatchObject(expected));
});

describe('volumes', () => {
  test.each<[string, Manifest, Manifest]>([
    ['no source is an empty directory', {}, { emptyDir: {} }],
    ['a secret', { secret: { secretName: 's' } }, { secret: { defaultMode: 420 } }],
    ['a config map', { configMap: { name: 'c', defaultMode: 256 } }, { configMap: { defaultMode: 256 } }],
    ['a host path', { hostPath: { path: '/x' } }, { hostPath: { type: '' } }],
    [
      'projections',
      {
        projected: {
          sources: [
            { serviceAccountToken: { path: 't' } },
            { downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } },
          ],
        },
      },
      {
        projected: {
          defaultMode: 420,
          sources: [{ serviceAccountToken: { expirationSeconds: 3600 } }, { downwardAPI: { items: [{ fieldRef: { apiVersion: 'v1' } }] } }],
        },
      },
    ],
    ['an image', { image: { reference: 'x:1' } }, { image: { pullPolicy: 'IfNotPresent' } }],
    [
      'a claim of its own',
      { ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1024Mi' } } } } } },
      { ephemeral: { volumeClaimTemplate: { spec: { volumeMode: 'Filesystem', resources: { requests: { storage: '1Gi' } } } } } },
    ],
  ])('%s', (_name, source, expected) =>
    expect((specOf(podOf({ volumes: [{ name: 'v', ...source }] }))['volumes'] as Manifest[])[0]).toMatchObject(expected),
  );
});

test('on the host’s network a port is the host’s port', () => {
  const spec = specOf(podOf({ hostNetwork: true }, [{ name: 'c', ports: [{ containerPort: 80 }] }]));
  expect(spec['containers']).toMatchObject([{ ports: [{ containerPort: 80, hostPort: 80 }] }]);
});

test('both names of the service account agree', () => {
  expect(specOf(podOf({ serviceAccount: 'x' }))).toMatchObject({ serviceAccountName: 'x', serviceAccount: 'x' });
  expect(specOf(podOf({ serviceAccountName: 'y', serviceAccount: 'x' }))).toMatchObject({ serviceAccountName: 'y', serviceAccount: 'y' });
});

test('pod-level requests come from the containers, then from the limits', () => {
  const containers = [{ name: 'c', image: 'x', resources: { requests: { cpu: '100m' } } }];
  expect(specOf(podOf({ resources: { limits: { cpu: '1', memory: '1Gi' } } }, containers))['resources']).toEqual({
    limits: { cpu: '1', memory: '1Gi' },
    requests: { cpu: '100m', memory: '1Gi' },
  });
});

test('a gated pod says why it waits', () => {
  const { object } = create(pods, podOf({ schedulingGates: [{ name: 'a.b/c' }] }));
  expect(object['status']).toMatchObject({
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ],
  });
});

test('label keys are filled in with the pod’s own values', () => {
  const term = { topologyKey: 'z', labelSelector: { matchLabels: { a: 'b' } }, matchLabelKeys: ['v', 'missing'], mismatchLabelKeys: ['t'] };
  const manifest = {
    metadata: { name: 'p', namespace: 'b', labels: { v: '1', t: 'x' } },
    spec: {
      containers: [{ name: 'c', image: 'x:1' }],
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {}, matchLabelKeys: ['v'] },
      ],
    },
  };
  const { object, faults } = create(pods, manifest);
  expect(faults).toEqual([]);
  expect(object['spec']).toMatchObject({
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: {
              matchExpressions: [
                { key: 'v', operator: 'In', values: ['1'] },
                { key: 't', operator: 'NotIn', values: ['x'] },
              ],
            },
          },
        ],
      },
    },
    topologySpreadConstraints: [{ labelSelector: { matchExpressions: [{ key: 'v', operator: 'In', values: ['1'] }] } }],
  });
});

test('fields whose gate is off are not stored', () => {
  const { object } = create(pods, podOf({ workloadRef: { name: 'w', podGroup: 'g' }, hostnameOverride: 'h' }));
  expect(object['spec']).not.toHaveProperty('workloadRef');
  expect(object['spec']).toHaveProperty('hostnameOverride');
});
