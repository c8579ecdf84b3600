import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type corev1, corev1Resources } from '../../api/index.ts';
import { seededRandom, silentLogger, VirtualClock } from '../../base/index.ts';
import { CreateContainerConfigError, type EnvironmentInput } from '../seams.ts';
import { createEnvironment, expandReferences, expandSubPath, referencedObjects } from './index.ts';
import { ObjectShelf } from './object-shelf.suite.ts';
import { serviceVariables } from './service-variables.ts';

describe('references', () => {
  const values: Readonly<Record<string, string>> = { A: '1', B: '$(A)', EMPTY: '' };
  it.each([
    ['$(A)', '1'],
    ['x$(A)y$(A)', 'x1y1'],
    ['$(B)', '$(A)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$$$$(A)', '$$(A)'],
    ['$(NONE)', '$(NONE)'],
    ['$(EMPTY)', ''],
    ['$(A', '$(A'],
    ['$A', '$A'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$$', '$'],
    ['$()', '$()'],
    ['$(A)$', '1$'],
    ['$(NONE$(A))', '$(NONE$(A))'],
  ])('expand %j to %j', (text, expected) => {
    expect(expandReferences(text, (name) => values[name])).toBe(expected);
  });

  it('of a subPath must all have a value', () => {
    const variables = [
      { name: 'A', value: '1' },
      { name: 'EMPTY', value: '' },
    ];
    expect(expandSubPath('x/$(A)', variables)).toBe('x/1');
    expect(() => expandSubPath('$(Z)/$(EMPTY)', variables)).toThrow('missing value for EMPTY, Z');
  });
});

describe('service variables', () => {
  const service = (namespace: string, name: string, clusterIP: string, ports: Partial<corev1.ServicePort>[]): corev1.Service =>
    ({ metadata: { namespace, name }, spec: { clusterIP, ports } }) as unknown as corev1.Service;
  const services = [
    service('default', 'kubernetes', '10.0.0.1', [{ name: 'https', port: 443, protocol: 'TCP' }]),
    service('ns', 'my-db', '10.0.0.2', [{ port: 5432 }, { name: 'web-ui', port: 53, protocol: 'UDP' }]),
    service('ns', 'headless', 'None', [{ port: 1 }]),
    service('other', 'far', '10.0.0.3', [{ port: 1 }]),
    service('ns', 'six', 'fd00::1', [{ port: 80, protocol: 'TCP' }]),
  ];

  it('follow the form of Docker links', () => {
    const variables = serviceVariables(services, { namespace: 'ns', enableServiceLinks: true });
    expect(Object.fromEntries(variables)).toMatchObject({
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
      KUBERNETES_SERVICE_PORT: '443',
      KUBERNETES_SERVICE_PORT_HTTPS: '443',
      MY_DB_SERVICE_HOST: '10.0.0.2',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_SERVICE_PORT_WEB_UI: '53',
      MY_DB_PORT: 'tcp://10.0.0.2:5432',
      MY_DB_PORT_5432_TCP: 'tcp://10.0.0.2:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: '10.0.0.2',
      MY_DB_PORT_53_UDP: 'udp://10.0.0.2:53',
      SIX_PORT: 'tcp://[fd00::1]:80',
    });
    expect([...variables.keys()].some((name) => name.startsWith('HEADLESS') || name.startsWith('FAR'))).toBe(false);
  });

  it('without service links name the API server only', () => {
    const variables = serviceVariables(services, { namespace: 'ns', enableServiceLinks: false });
    expect([...variables.keys()].every((name) => name.startsWith('KUBERNETES_'))).toBe(true);
  });
});

describe('an environment', () => {
  let shelf: ObjectShelf;
  let clock: VirtualClock;
  const signal = new AbortController().signal;
  const ctx = { signal, log: silentLogger };
  const depsOf = () => ({ client: shelf.client, clock, random: seededRandom(1), log: silentLogger });

  beforeEach(() => {
    shelf = new ObjectShelf();
    clock = new VirtualClock();
    shelf.put(corev1Resources.configmaps, { metadata: { namespace: 'ns', name: 'cm' }, data: { a: '1', 'b.c': '2' } });
    shelf.put(corev1Resources.secrets, {
      metadata: { namespace: 'ns', name: 'sec' },
      data: { pass: Buffer.from('s3cret').toString('base64') },
    });
    shelf.put(corev1Resources.services, {
      metadata: { namespace: 'default', name: 'kubernetes' },
      spec: { clusterIP: '10.0.0.1', ports: [{ port: 443 }] },
    });
  });
  afterEach(() => referencedObjects(depsOf()).close());

  const input = (container: Partial<corev1.Container>, pod: object = {}): EnvironmentInput => {
    const whole = { name: 'app', ...container };
    return {
      pod: {
        metadata: { namespace: 'ns', name: 'web', uid: 'u1', labels: { app: 'x' }, annotations: { note: 'say "hi"\n' } },
        spec: { nodeName: 'n1', serviceAccountName: 'robot', containers: [whole], ...pod },
      } as unknown as corev1.Pod,
      container: whole,
      podIps: ['10.1.0.5', 'fd00::5'],
      hostIps: ['192.168.0.1'],
      nodeAllocatable: { cpu: '2', memory: '1Gi' },
    };
  };

  async function build(container: Partial<corev1.Container>, pod: object = {}): Promise<Record<string, string>> {
    const variables = await createEnvironment(depsOf()).build(input(container, pod), ctx);
    return Object.fromEntries(variables.map(({ name, value }) => [name, value]));
  }

  it('holds what envFrom and env say, env winning', async () => {
    const env = await build({
      envFrom: [
        { configMapRef: { name: 'cm' } },
        { prefix: 'S_', secretRef: { name: 'sec' } },
        { configMapRef: { name: 'none', optional: true } },
      ],
      env: [
        { name: 'a', value: 'over' },
        { name: 'REF', value: '$(S_pass) $(KUBERNETES_SERVICE_HOST) $(REF2) $$(a)' },
        { name: 'REF2', value: 'late' },
        { name: 'KEY', valueFrom: { configMapKeyRef: { name: 'cm', key: 'b.c' } } },
        { name: 'SECRET', valueFrom: { secretKeyRef: { name: 'sec', key: 'pass' } } },
        { name: 'MAYBE', valueFrom: { configMapKeyRef: { name: 'cm', key: 'zz', optional: true } } },
        { name: 'EMPTY' },
      ],
    });
    expect(env).toMatchObject({
      a: 'over',
      'b.c': '2',
      S_pass: 's3cret',
      REF: 's3cret 10.0.0.1 $(REF2) $(a)',
      KEY: '2',
      SECRET: 's3cret',
      EMPTY: '',
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
    });
    expect(env).not.toHaveProperty('MAYBE');
  });

  it.each([
    ['metadata.name', 'web'],
    ['metadata.namespace', 'ns'],
    ['metadata.uid', 'u1'],
    ["metadata.labels['app']", 'x'],
    ["metadata.labels['none']", ''],
    ["metadata.annotations['note']", 'say "hi"\n'],
    ['spec.nodeName', 'n1'],
    ['spec.serviceAccountName', 'robot'],
    ['status.podIP', '10.1.0.5'],
    ['status.podIPs', '10.1.0.5,fd00::5'],
    ['status.hostIP', '192.168.0.1'],
    ['status.hostIPs', '192.168.0.1'],
  ])('tells the field %s', async (fieldPath, expected) => {
    expect(await build({ env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath } } }] })).toMatchObject({ X: expected });
  });

  it.each<[string, string | undefined, string]>([
    ['limits.cpu', undefined, '1'],
    ['limits.cpu', '1m', '500'],
    ['limits.memory', '1Mi', '1024'],
    ['requests.cpu', '1m', '250'],
    ['requests.memory', undefined, '0'],
    ['requests.ephemeral-storage', undefined, '0'],
  ])('tells the resource %s in units of %s', async (resource, divisor, expected) => {
    const resources = { limits: { cpu: '500m' }, requests: { cpu: '250m' } };
    const resourceFieldRef = { resource, ...(divisor !== undefined && { divisor }) };
    expect(await build({ resources, env: [{ name: 'X', valueFrom: { resourceFieldRef } }] })).toMatchObject({ X: expected });
  });

  it.each<[string, Partial<corev1.Container>]>([
    ['configmap "none" not found', { envFrom: [{ configMapRef: { name: 'none' } }] }],
    ['secret "none" not found', { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'none', key: 'k' } } }] }],
    ["couldn't find key k in ConfigMap ns/cm", { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'cm', key: 'k' } } }] }],
    ["couldn't find key k in Secret ns/sec", { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'sec', key: 'k' } } }] }],
    ['unsupported fieldPath: spec.x', { env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] }],
    [
      'environment variables from files (fileKeyRef) are not supported',
      { env: [{ name: 'X', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'k' } } }] },
    ],
  ])('waits with %j', async (message, container) => {
    await expect(build(container)).rejects.toThrow(CreateContainerConfigError);
    await expect(build(container)).rejects.toThrow(message);
  });

  it('is built from memory while the API server is away', async () => {
    const container = { envFrom: [{ configMapRef: { name: 'cm' } }] };
    await build(container);
    shelf.outage = new Error('connection refused');
    expect(await build(container)).toMatchObject({ a: '1' });
  });

  it('follows changes of an object and watches it only while a pod names it', async () => {
    const container = { envFrom: [{ configMapRef: { name: 'cm' } }] };
    await build(container);
    expect(shelf.watches).toBe(2);
    shelf.put(corev1Resources.configmaps, { metadata: { namespace: 'ns', name: 'cm' }, data: { a: 'new' } });
    await clock.advance(0);
    expect(await build(container)).toMatchObject({ a: 'new' });
    referencedObjects(depsOf()).unregister('u1');
    await clock.advance(0);
    expect(shelf.watches).toBe(1);
  });

  it('sees an object that was made a moment ago, before the watch does', async () => {
    const objects = referencedObjects(depsOf());
    const { pod } = input({ envFrom: [{ configMapRef: { name: 'late' } }] });
    objects.register(pod);
    await expect(objects.configMap({ namespace: 'ns', name: 'late' }, signal)).rejects.toThrow('configmap "late" not found');
    shelf.put(corev1Resources.configmaps, { metadata: { namespace: 'ns', name: 'late' }, data: {} });
    expect((await objects.configMap({ namespace: 'ns', name: 'late' }, signal)).metadata.name).toBe('late');
  });

  it('fetches an immutable object once and does not watch it', async () => {
    shelf.put(corev1Resources.configmaps, { metadata: { namespace: 'ns', name: 'fixed' }, data: { k: 'v' }, immutable: true });
    const container = { envFrom: [{ configMapRef: { name: 'fixed' } }] };
    await build(container);
    await clock.advance(0);
    expect(shelf.watches).toBe(1);
    const before = shelf.calls.length;
    expect(await build(container)).toMatchObject({ k: 'v' });
    expect(shelf.calls).toHaveLength(before);
  });

  it('says that objects could not be read when the API server was never there', async () => {
    shelf.outage = new Error('connection refused');
    const building = build({ envFrom: [{ configMapRef: { name: 'cm' } }] });
    await Promise.all([
      expect(building).rejects.toThrow('services have not yet been read at least once, cannot construct envvars'),
      clock.advance(6_000),
    ]);
  });
});
