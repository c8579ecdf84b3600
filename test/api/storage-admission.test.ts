/** What admission makes of volumes, claims and ingresses: default classes, guards, and who may grow. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
const classes = '/apis/storage.k8s.io/v1/storageclasses';
const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
const ingressClasses = '/apis/networking.k8s.io/v1/ingressclasses';

const post = (path: string, object: object): Promise<HttpAnswer> => server.http('POST', path, object);

function storageClass(name: string, isDefault: boolean): object {
  const annotations = { 'storageclass.kubernetes.io/is-default-class': String(isDefault) };
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, annotations },
    provisioner: 'a.b',
    allowVolumeExpansion: true,
  };
}

function claim(name: string, spec: object = {}): object {
  const wanted = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: wanted };
}

describe('classes', () => {
  test('a claim gets the default class, unless it says which or none', async () => {
    expect((await post(claims, claim('before'))).json.spec).not.toHaveProperty('storageClassName');
    await post(classes, storageClass('fast', true));
    await post(classes, storageClass('slow', false));
    expect((await post(claims, claim('plain'))).json.spec.storageClassName).toBe('fast');
    expect((await post(claims, claim('slow', { storageClassName: 'slow' }))).json.spec.storageClassName).toBe('slow');
    expect((await post(claims, claim('none', { storageClassName: '' }))).json.spec.storageClassName).toBe('');
    // Made in the same second: the first by name.
    await post(classes, storageClass('a-default', true));
    const { json } = await server.http('GET', classes);
    const newest = (json.items as { metadata: { name: string; creationTimestamp: string } }[])
      .filter(({ metadata }) => metadata.name !== 'slow')
      .map(({ metadata }) => metadata)
      .sort((a, b) => b.creationTimestamp.localeCompare(a.creationTimestamp) || a.name.localeCompare(b.name))[0]!;
    expect((await post(claims, claim('several'))).json.spec.storageClassName).toBe(newest.name);
  });

  test('an ingress gets the default class', async () => {
    const ingress = (name: string, metadata: object = {}): object => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, ...metadata },
      spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
    });
    const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
    const made = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx', annotations },
      spec: { controller: 'a.b/c' },
    };
    expect((await post(ingressClasses, made)).status).toBe(201);
    expect((await post(ingresses, ingress('plain'))).json).toMatchObject({
      metadata: { generation: 1 },
      spec: { ingressClassName: 'nginx' },
    });
    const old = await post(ingresses, ingress('old', { annotations: { 'kubernetes.io/ingress.class': 'x' } }));
    expect(old.json.spec).not.toHaveProperty('ingressClassName');
    expect(old.headers['warning']).toContain("is deprecated, please use 'spec.ingressClassName' instead");
  });
});

describe('a claim that grows', () => {
  const grow = async (name: string): Promise<HttpAnswer> => {
    const { json } = await server.http('GET', `${claims}/${name}`);
    const spec = { ...json.spec, resources: { requests: { storage: '2Gi' } } };
    return server.http('PUT', `${claims}/${name}`, { ...json, spec });
  };
  const bind = async (name: string): Promise<void> => {
    const { json } = await server.http('GET', `${claims}/${name}`);
    const status = { ...json.status, phase: 'Bound', capacity: { storage: '1Gi' } };
    expect((await server.http('PUT', `${claims}/${name}/status`, { ...json, status })).status).toBe(200);
  };

  test('has a volume, and a class that allows it', async () => {
    await post(classes, storageClass('growing', false));
    await post(claims, claim('big', { storageClassName: 'growing' }));
    await post(claims, claim('fixed', { storageClassName: 'unknown' }));
    await bind('big');
    await bind('fixed');
    expect((await grow('big')).json.spec.resources.requests.storage).toBe('2Gi');
    expect((await grow('fixed')).json.message).toBe(
      'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  });
});

test('claims, volumes and classes of attributes are guarded from their first moment', async () => {
  const guarded = await post(claims, claim('guarded'));
  expect(guarded.json.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv', finalizers: ['kubernetes.io/pv-protection'] },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, nfs: { server: 's', path: '/' } },
  };
  expect((await post('/api/v1/persistentvolumes', volume)).json.metadata.finalizers).toEqual(['kubernetes.io/pv-protection']);
});
