/** PodSecurity over the whole road of a write: labels of namespaces, the three modes, templates, exemptions, audit, metrics. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { standardExtensions } from '../../src/apiserver/index.ts';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';

let server: TestServer;
let nextNamespace = 0;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

type Labels = Record<string, string>;
const prefix = 'pod-security.kubernetes.io';

function namespaceObject(name: string, labels: Labels): object {
  const metadata = { name, labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${prefix}/${key}`, value])) };
  return { apiVersion: 'v1', kind: 'Namespace', metadata };
}

async function namespace(labels: Labels, on: TestServer = server): Promise<string> {
  const name = `ns-${++nextNamespace}`;
  expect((await on.http('POST', '/api/v1/namespaces', namespaceObject(name, labels))).status).toBe(201);
  return name;
}

function relabel(name: string, labels: Labels, on: TestServer = server): Promise<HttpAnswer> {
  const body = { metadata: { labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${prefix}/${key}`, value])) } };
  return on.http('PATCH', `/api/v1/namespaces/${name}`, body, { headers: { 'content-type': 'application/merge-patch+json' } });
}

const plain = { containers: [{ name: 'c', image: 'x' }] };
const withHostPath = { ...plain, volumes: [{ name: 'v', hostPath: { path: '/' } }] };

function pod(ns: string, name: string, spec: object = plain, on: TestServer = server): Promise<HttpAnswer> {
  return on.http('POST', `/api/v1/namespaces/${ns}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
}

function deployment(ns: string, spec: object = withHostPath): Promise<HttpAnswer> {
  const labels = { a: 'b' };
  const object = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } };
  const metadata = { name: 'd' };
  return server.http('POST', `/apis/apps/v1/namespaces/${ns}/deployments`, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: object,
  });
}

/** The texts of the warnings of an answer. */
function warningsOf({ headers }: HttpAnswer): string[] {
  const text = [headers['warning'] ?? []].flat().join(', ');
  return [...text.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, quoted]) => quoted!.replace(/\\(.)/g, '$1'));
}

const violation = 'hostPath volumes (volume "v")';

describe('a namespace that enforces', () => {
  test('refuses pods that violate its level, and says why', async () => {
    const ns = await namespace({ enforce: 'baseline' });
    expect((await pod(ns, 'good')).status).toBe(201);
    expect((await pod(ns, 'bad', withHostPath)).json).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: `pods "bad" is forbidden: violates PodSecurity "baseline:latest": ${violation}`,
      details: { name: 'bad', kind: 'pods' },
    });
  });

  test('names a pinned version', async () => {
    const ns = await namespace({ enforce: 'restricted', 'enforce-version': 'v1.20' });
    expect((await pod(ns, 'bad')).json.message).toBe(
      'pods "bad" is forbidden: violates PodSecurity "restricted:v1.20": ' +
        'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
  });

  test('lets templates be: the pods are refused', async () => {
    const ns = await namespace({ enforce: 'baseline' });
    const answer = await deployment(ns);
    expect(answer.status).toBe(201);
    expect(warningsOf(answer)).toEqual([]);
  });

  test('looks at pods again when an image changes or an ephemeral container comes', async () => {
    const ns = await namespace({});
    await pod(ns, 'p', withHostPath);
    await relabel(ns, { enforce: 'baseline' });
    const path = `/api/v1/namespaces/${ns}/pods/p`;
    const headers = { 'content-type': 'application/strategic-merge-patch+json' };
    expect((await server.http('PATCH', path, { metadata: { labels: { a: 'b' } } }, { headers })).status).toBe(200);
    expect((await server.http('PATCH', `${path}/status`, { status: { phase: 'Running' } }, { headers })).status).toBe(200);
    const image = await server.http('PATCH', path, { spec: { containers: [{ name: 'c', image: 'y' }] } }, { headers });
    expect(image.json.message).toBe(`pods "p" is forbidden: violates PodSecurity "baseline:latest": ${violation}`);
    const ephemeral = { spec: { ephemeralContainers: [{ name: 'e', image: 'x' }] } };
    expect((await server.http('PATCH', `${path}/ephemeralcontainers`, ephemeral, { headers })).status).toBe(403);
    const without = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: {} };
    expect((await server.http('PUT', path, without)).status).toBe(422);
  });
});

describe('a namespace that warns', () => {
  test('says what would be violated, of pods and of templates', async () => {
    const ns = await namespace({ warn: 'baseline', audit: 'restricted' });
    const warning = `would violate PodSecurity "baseline:latest": ${violation}`;
    const made = await pod(ns, 'p', withHostPath);
    expect(made.status).toBe(201);
    expect(warningsOf(made)).toEqual([warning]);
    expect(warningsOf(await deployment(ns))).toEqual([warning]);
    const cronJob = {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'j' },
      spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: { ...withHostPath, restartPolicy: 'Never' } } } } },
    };
    const job = await server.http('POST', `/apis/batch/v1/namespaces/${ns}/cronjobs`, cronJob);
    if (job.status !== 404) expect(warningsOf(job)).toEqual([warning]);
  });

  test('does not warn of what it refuses', async () => {
    const ns = await namespace({ warn: 'restricted', enforce: 'baseline' });
    const refused = await pod(ns, 'p', withHostPath);
    expect(refused.status).toBe(403);
    expect(warningsOf(refused)).toEqual([]);
  });
});

describe('the labels of a namespace', () => {
  test('can be read', async () => {
    const answer = await server.http('POST', '/api/v1/namespaces', namespaceObject('odd', { enforce: 'Baseline', 'warn-version': '1.30' }));
    expect(answer.json).toMatchObject({
      code: 422,
      message:
        'Namespace "odd" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "Baseline": must be one of privileged, baseline, restricted, ' +
        'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"]',
    });
    const ns = await namespace({});
    expect((await relabel(ns, { audit: 'none' })).status).toBe(422);
  });

  test('warn of the pods that are there when they become stricter', async () => {
    const ns = await namespace({});
    await pod(ns, 'b', withHostPath);
    await pod(ns, 'a', withHostPath);
    await pod(ns, 'c', { ...plain, hostNetwork: true });
    await pod(ns, 'fine');
    const dry = { headers: { 'content-type': 'application/merge-patch+json' } };
    const body = { metadata: { labels: { [`${prefix}/enforce`]: 'baseline' } } };
    const expected = [
      `existing pods in namespace "${ns}" violate the new PodSecurity enforce level "baseline:latest"`,
      'a (and 1 other pod): hostPath volumes',
      'c: host namespaces',
    ];
    expect(warningsOf(await server.http('PATCH', `/api/v1/namespaces/${ns}?dryRun=All`, body, dry))).toEqual(expected);
    expect(warningsOf(await relabel(ns, { enforce: 'baseline' }))).toEqual(expected);
    expect(warningsOf(await relabel(ns, { warn: 'restricted' }))).toEqual([]);
    expect(warningsOf(await relabel(ns, { enforce: 'privileged' }))).toEqual([]);
  });
});

describe('the configuration', () => {
  const configured = (configuration: object): Promise<TestServer> =>
    startTestServer({
      extensions: standardExtensions({
        serverAddress: () => '',
        version: { knarrVersion: '0' },
        admission: {
          disabled: ['ServiceAccount'],
          configuration: new Map([
            ['PodSecurity', { apiVersion: 'pod-security.admission.config.k8s.io/v1', kind: 'PodSecurityConfiguration', ...configuration }],
          ]),
        },
      }),
    });

  test('says what holds without labels, and who is exempt', async () => {
    await using strict = await configured({
      defaults: { enforce: 'baseline', 'enforce-version': 'v1.30' },
      exemptions: { namespaces: ['free'], runtimeClasses: ['sandboxed'] },
    });
    const ns = await namespace({}, strict);
    expect((await pod(ns, 'p', withHostPath, strict)).json.message).toContain('violates PodSecurity "baseline:v1.30"');
    const open = await namespace({ enforce: 'privileged' }, strict);
    expect((await pod(open, 'p', withHostPath, strict)).status).toBe(201);
    const handler = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'sandboxed' }, handler: 'x' };
    await strict.http('POST', '/apis/node.k8s.io/v1/runtimeclasses', handler);
    expect((await pod(ns, 'q', { ...withHostPath, runtimeClassName: 'sandboxed' }, strict)).status).toBe(201);
    const free = await strict.http('POST', '/api/v1/namespaces', namespaceObject('free', { enforce: 'restricted', warn: 'baseline' }));
    expect(warningsOf(free)).toEqual([
      'namespace "free" is exempt from Pod Security, and the policy (enforce=restricted:v1.30, warn=baseline:latest) will be ignored',
    ]);
    expect((await pod('free', 'p', withHostPath, strict)).status).toBe(201);
    const { text } = await strict.http('GET', '/metrics');
    expect(text).toContain(
      'pod_security_evaluations_total{decision="deny",policy_level="baseline",policy_version="v1.30",mode="enforce",request_operation="create",resource="pod",subresource=""} 1',
    );
    expect(text).toContain(
      'pod_security_evaluations_total{decision="allow",policy_level="privileged",policy_version="latest",mode="enforce",request_operation="create",resource="pod",subresource=""} 1',
    );
    expect(text).toContain('pod_security_exemptions_total{request_operation="create",resource="pod",subresource=""} 2');
  });

  test('of users', async () => {
    await using strict = await configured({ defaults: { enforce: 'baseline' }, exemptions: { usernames: ['kubernetes-admin'] } });
    expect((await pod('default', 'p', withHostPath, strict)).status).toBe(201);
  });

  test.each([
    [{ defaults: { enforce: 'odd' } }, 'defaults.enforce: Invalid value: "odd": must be one of privileged, baseline, restricted'],
    [{ defaults: { 'warn-version': '1' } }, 'defaults.warn-version: Invalid value: "1": must be "latest" or "v1.x"'],
    [{ exemptions: { namespaces: ['a', 'a'] } }, 'exemptions.namespaces[1]: Duplicate value: "a"'],
    [{ exemptions: { users: [] } }, 'exemptions.users: unknown field'],
    [{ kind: 'Odd' }, 'no kind "Odd" is registered for version "pod-security.admission.config.k8s.io/v1"'],
  ])('%j is refused', async (configuration, why) => {
    await expect(configured(configuration)).rejects.toThrow(`configuration of admission plugin "PodSecurity": ${why}`);
  });
});
