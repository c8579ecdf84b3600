import { PassThrough, Writable } from 'node:stream';
import {
  AppsV1Api,
  CoreV1Api,
  Exec,
  KubeConfig,
  Log,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  V1ConfigMap,
  type V1Status,
  VersionApi,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolbox } from './images.ts';
import { adminKubeconfig, unavailable, useKubectl } from './kubectl.ts';

const namespace = 'e2e-client-node';

describe.skipIf(unavailable)('@kubernetes/client-node', () => {
  const kubectl = useKubectl(namespace);
  const config = new KubeConfig();
  let core: CoreV1Api;
  const cleanups: (() => unknown)[] = [];

  beforeAll(async () => {
    if (unavailable) return;
    config.loadFromFile(adminKubeconfig());
    core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: 'talker' },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'main', image: toolbox, args: ['-c', 'for i in 1 2 3; do echo "line $i"; done; exec sleep 10000'] }],
        },
      },
    });
    await kubectl(['wait', 'pod/talker', '--for=condition=Ready', '--timeout=60s']);
  });
  afterAll(() => Promise.all(cleanups.map((clean) => clean())));

  test('creates, reads, replaces, patches in every way and deletes', async () => {
    expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\.35\./);
    const body = { metadata: { name: 'settings' }, data: { a: '1' } };
    const created = await core.createNamespacedConfigMap({ namespace, body });
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const replaced = await core.replaceNamespacedConfigMap({
      namespace,
      name: 'settings',
      body: Object.assign(new V1ConfigMap(), created, { data: { a: '2' } }),
    });
    expect(replaced.data).toEqual({ a: '2' });
    await expect(core.replaceNamespacedConfigMap({ namespace, name: 'settings', body: created })).rejects.toMatchObject({ code: 409 });
    const patch = (strategy: string, patchBody: object): Promise<V1ConfigMap> =>
      core.patchNamespacedConfigMap({ namespace, name: 'settings', body: patchBody }, setHeaderOptions('Content-Type', strategy));
    expect((await patch(PatchStrategy.MergePatch, { data: { b: '1' } })).data).toEqual({ a: '2', b: '1' });
    expect((await patch(PatchStrategy.StrategicMergePatch, { data: { a: null } })).data).toEqual({ b: '1' });
    expect((await patch(PatchStrategy.JsonPatch, [{ op: 'replace', path: '/data/b', value: '2' }])).data).toEqual({ b: '2' });
    const applied = await core.patchNamespacedConfigMap(
      {
        namespace,
        name: 'settings',
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { c: '3' } },
        fieldManager: 'e2e',
      },
      setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
    );
    expect(applied.data).toEqual({ b: '2', c: '3' });
    const apps = config.makeApiClient(AppsV1Api);
    await apps.createNamespacedDeployment({
      namespace,
      body: {
        metadata: { name: 'none' },
        spec: {
          replicas: 0,
          selector: { matchLabels: { a: 'b' } },
          template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: toolbox }] } },
        },
      },
    });
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'none' });
    expect(scale.spec?.replicas ?? 0).toBe(0);
    expect(scale.status?.selector).toBe('a=b');
    await apps.deleteNamespacedDeployment({ namespace, name: 'none' });
    await core.deleteNamespacedConfigMap({ namespace, name: 'settings' });
    await expect(core.readNamespacedConfigMap({ namespace, name: 'settings' })).rejects.toMatchObject({ code: 404 });
  });

  test('an informer follows a selection through additions, changes and deletions', async () => {
    const selector = 'followed=yes';
    const list = (): ReturnType<typeof core.listNamespacedConfigMap> =>
      core.listNamespacedConfigMap({ namespace, labelSelector: selector });
    const seen: string[] = [];
    const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, list, selector);
    cleanups.push(() => informer.stop());
    informer.on('add', ({ metadata }) => seen.push(`add ${metadata?.name}`));
    informer.on('update', ({ metadata, data }) => seen.push(`update ${metadata?.name} ${data?.['a']}`));
    informer.on('delete', ({ metadata }) => seen.push(`delete ${metadata?.name}`));
    const labels = { followed: 'yes' };
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'before', labels } } });
    await informer.start();
    const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'after', labels }, data: { a: '1' } } });
    await core.replaceNamespacedConfigMap({ namespace, name: 'after', body: Object.assign(new V1ConfigMap(), made, { data: { a: '2' } }) });
    await core.deleteNamespacedConfigMap({ namespace, name: 'before' });
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['add before', 'add after', 'update after 2', 'delete before']);
    expect(informer.list().map(({ metadata }) => metadata?.name)).toEqual(['after']);
  });

  test('a watch tells events and ends when it is told to', async () => {
    const seen: string[] = [];
    const done = Promise.withResolvers<unknown>();
    const controller = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { fieldSelector: 'metadata.name=watched', allowWatchBookmarks: true },
      (phase: string, object: V1ConfigMap) => seen.push(`${phase} ${object.metadata?.name}`),
      (error: unknown) => done.resolve(error),
    );
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'watched' } } });
    await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['ADDED watched', 'DELETED watched']);
    controller.abort();
    await done.promise;
  });

  test('reads logs and runs commands in a container', async () => {
    expect(await core.readNamespacedPodLog({ namespace, name: 'talker', tailLines: 2 })).toBe('line 2\nline 3\n');
    const log = new PassThrough();
    await new Log(config).log(namespace, 'talker', 'main', log, { follow: true });
    let text = '';
    log.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await expect.poll(() => text, { timeout: 20_000 }).toContain('line 3');
    // The end of the pod ends it: the library throws an abort at nobody.
    log.destroy();
    expect(text).toBe('line 1\nline 2\nline 3\n');
    const chunks: Buffer[] = [];
    const output = new Writable({ write: (chunk: Buffer, _encoding, next) => (chunks.push(chunk), next()) });
    const status = await new Promise<V1Status>((resolve, reject) => {
      new Exec(config)
        .exec(namespace, 'talker', 'main', ['sh', '-c', 'echo out; exit 3'], output, null, null, false, resolve)
        .catch(reject);
    });
    expect(Buffer.concat(chunks).toString()).toBe('out\n');
    expect(status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });
});
