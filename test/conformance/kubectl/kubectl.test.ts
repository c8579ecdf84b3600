import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { text as textOf } from 'node:stream/consumers';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { redis, toolbox } from '../../e2e/images.ts';
import { untilPrinted } from '../../e2e/kubectl.ts';
import { sleeper, web } from '../../e2e/manifests.ts';
import { eventually, type Json, unavailable, useCluster } from '../support/cluster.ts';

const sleeping = { image: toolbox, args: ['-c', 'exec sleep 10000'] };
const controller = (name: string, replicas: number, container: Json = sleeping): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas,
      selector: { app: name },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', ...container }] },
      },
    },
  });
const redisContainer = { image: redis, ports: [{ containerPort: 6379 }], readinessProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 } };

describe.skipIf(unavailable)('kubectl/kubectl', () => {
  const cluster = useCluster('conformance-kubectl');
  const { kubectl } = cluster;
  const apply = (manifest: string): Promise<string> => kubectl(['create', '-f', '-'], { input: manifest });
  const field = (what: readonly string[], path: string): Promise<string> => kubectl(['get', ...what, '-o', `jsonpath=${path}`]);
  const runningPods = (app: string, count: number): Promise<string[]> =>
    eventually(async () => {
      const pods = await kubectl.json<Json>(['get', 'pods', '-l', `app=${app}`]);
      const names = pods.items
        .filter(({ status, metadata }: Json) => status.phase === 'Running' && !metadata.deletionTimestamp)
        .map(({ metadata }: Json) => metadata.name);
      expect(names).toHaveLength(count);
      expect(pods.items).toHaveLength(count);
      return names;
    });

  test('Kubectl, replication controller', async () => {
    await apply(controller('update-demo', 2));
    const names = await runningPods('update-demo', 2);
    for (const name of names) expect(await field(['pod', name], '{.spec.containers[0].image}')).toBe(toolbox);
    await kubectl(['delete', 'rc', 'update-demo']);
    await runningPods('update-demo', 0);
  });

  test('Kubectl, scale replication controller', async () => {
    await apply(controller('scale-demo', 2));
    await runningPods('scale-demo', 2);
    expect(await kubectl(['scale', 'rc', 'scale-demo', '--replicas=1', '--timeout=1m'])).toBe('replicationcontroller/scale-demo scaled\n');
    await runningPods('scale-demo', 1);
    await kubectl(['scale', 'rc', 'scale-demo', '--replicas=2', '--current-replicas=1', '--timeout=1m']);
    await runningPods('scale-demo', 2);
    expect(await kubectl.failing(['scale', 'rc', 'scale-demo', '--replicas=3', '--current-replicas=7'])).toContain(
      'Expected replicas to be 7',
    );
    await kubectl(['delete', 'rc', 'scale-demo']);
  });

  test('Kubectl, guestbook application', async () => {
    // Redis behind a Service, and a front end whose pages keep and read a message there.
    const page = [
      '#!/bin/sh',
      'echo "Content-Type: text/plain"; echo',
      'case "$QUERY_STRING" in',
      '  set=*) printf "SET guest %s\\r\\nQUIT\\r\\n" "${QUERY_STRING#set=}";;',
      '  *) printf "GET guest\\r\\nQUIT\\r\\n";;',
      'esac | timeout 5 nc redis-primary 6379',
    ].join('\n');
    await apply(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [
          JSON.parse(controller('redis-primary', 1, redisContainer)),
          {
            apiVersion: 'v1',
            kind: 'Service',
            metadata: { name: 'redis-primary' },
            spec: { selector: { app: 'redis-primary' }, ports: [{ port: 6379 }] },
          },
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'frontend' }, data: { 'guestbook.cgi': page } },
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name: 'frontend' },
            spec: {
              replicas: 3,
              selector: { matchLabels: { app: 'frontend' } },
              template: {
                metadata: { labels: { app: 'frontend' } },
                spec: {
                  terminationGracePeriodSeconds: 0,
                  volumes: [{ name: 'pages', configMap: { name: 'frontend', defaultMode: 0o755 } }],
                  containers: [
                    {
                      name: 'web',
                      image: toolbox,
                      args: ['-c', 'exec httpd -f -p 8080 -h /www'],
                      ports: [{ containerPort: 8080, name: 'http' }],
                      volumeMounts: [{ name: 'pages', mountPath: '/www/cgi-bin' }],
                      readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1 },
                    },
                  ],
                },
              },
            },
          },
          {
            apiVersion: 'v1',
            kind: 'Service',
            metadata: { name: 'frontend' },
            spec: { selector: { app: 'frontend' }, ports: [{ port: 80, targetPort: 'http' }] },
          },
        ],
      }),
    );
    await kubectl(['rollout', 'status', 'deployment/frontend', '--timeout=90s']);
    await runningPods('redis-primary', 1);
    const guestbook = (query: string): Promise<string> =>
      kubectl(['get', '--raw', `${cluster.path('v1', 'services/frontend/proxy/cgi-bin/guestbook.cgi')}?${query}`]);
    await eventually(async () => expect(await guestbook('set=TestEntry')).toContain('+OK'));
    // Any of the three front ends finds what one of them kept.
    for (let time = 0; time < 6; time++) expect(await guestbook('get')).toContain('TestEntry');
    await kubectl(['delete', 'rc/redis-primary', 'deployment/frontend', 'service/redis-primary', 'service/frontend']);
  });

  test('Kubectl, check version v1', async () => {
    expect((await kubectl(['api-versions'])).split('\n')).toContain('v1');
  });

  test('Kubectl, cluster info', async () => {
    // oxlint-disable-next-line no-control-regex
    const plain = (await kubectl(['cluster-info'])).replaceAll(/\x1b\[[\d;]*m/g, '');
    expect(plain).toMatch(/^Kubernetes control plane is running at https:\/\/\S+:\d+$/m);
  });

  test('Kubectl, describe pod or rc', async () => {
    await apply(controller('describe-me', 1, redisContainer));
    await kubectl(['expose', 'rc', 'describe-me', '--port=6379', '--name=describe-service']);
    const [name] = await runningPods('describe-me', 1);
    const described = async (what: readonly string[], lines: readonly RegExp[]): Promise<void> => {
      const text = await kubectl(['describe', ...what]);
      for (const line of lines) expect(text).toMatch(line);
    };
    await described(
      ['pod', name!],
      [
        new RegExp(`^Name: +${name}$`, 'm'),
        /^Namespace: +conformance-kubectl$/m,
        /^Node: +\S+\/[\d.]+$/m,
        /^Labels: +app=describe-me$/m,
        /^Status: +Running$/m,
        /^IP: +[\d.]+$/m,
        /^Controlled By: +ReplicationController\/describe-me$/m,
        new RegExp(`^ +Image: +${redis}$`, 'm'),
        /^ +State: +Running$/m,
        /^QoS Class: +BestEffort$/m,
      ],
    );
    await described(
      ['rc', 'describe-me'],
      [
        /^Name: +describe-me$/m,
        /^Selector: +app=describe-me$/m,
        /^Replicas: +1 current \/ 1 desired$/m,
        /^Pods Status: +1 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m,
        /^ +Port: +6379\/TCP$/m,
        new RegExp(`Normal +SuccessfulCreate .*replication-controller +Created pod: ${name}`, 'm'),
      ],
    );
    await eventually(async () => expect(await kubectl(['describe', 'service', 'describe-service'])).toMatch(/^Endpoints: +[\d.]+:6379$/m));
    await described(
      ['service', 'describe-service'],
      [/^Name: +describe-service$/m, /^Selector: +app=describe-me$/m, /^Type: +ClusterIP$/m, /^Port: +<unset> +6379\/TCP$/m],
    );
    const node = await field(['pod', name!], '{.spec.nodeName}');
    await described(
      ['node', node],
      [
        new RegExp(`^Name: +${node}$`, 'm'),
        /^Labels:/m,
        /^Conditions:/m,
        /^ +Ready +True/m,
        /^ +cpu:/m,
        /^ +pods:/m,
        new RegExp(`^ +conformance-kubectl +${name}`, 'm'),
      ],
    );
    await described(
      ['namespace', 'conformance-kubectl'],
      [/^Name: +conformance-kubectl$/m, /^Status: +Active$/m, /^No resource quota\.$/m],
    );
    await kubectl(['delete', 'rc/describe-me', 'service/describe-service']);
  });

  test('Kubectl, diff Deployment', async () => {
    await apply(web({ name: 'differing', replicas: 1 }));
    expect(await kubectl(['diff', '-f', '-'], { input: web({ name: 'differing', replicas: 1 }) })).toBe('');
    const diff = kubectl.start(['diff', '-f', '-']);
    diff.stdin.end(web({ name: 'differing', replicas: 1, version: 'v2' }));
    const [difference, [exitCode]] = await Promise.all([textOf(diff.stdout), once(diff, 'exit')]);
    // It says so that there is a difference.
    expect(exitCode).toBe(1);
    expect(difference).toMatch(/^-\s+value: v1$/m);
    expect(difference).toMatch(/^\+\s+value: v2$/m);
    await kubectl(['delete', 'deployment', 'differing']);
  });

  test('Kubectl, create service, replication controller', async () => {
    await apply(controller('agnhost-primary', 1, redisContainer));
    await runningPods('agnhost-primary', 1);
    const endpoints = async (service: string, port: number): Promise<void> => {
      const [pod] = await runningPods('agnhost-primary', 1);
      const ip = await field(['pod', pod!], '{.status.podIP}');
      await eventually(async () => {
        const slices = await kubectl.json<Json>(['get', 'endpointslices', '-l', `kubernetes.io/service-name=${service}`]);
        const found = slices.items.flatMap(({ endpoints: of, ports }: Json) =>
          (of ?? []).flatMap(({ addresses }: Json) => addresses.map((address: string) => `${address}:${ports?.[0]?.port}`)),
        );
        expect(found).toEqual([`${ip}:${port}`]);
      });
    };
    expect(await kubectl(['expose', 'rc', 'agnhost-primary', '--name=rm2', '--port=1234', '--target-port=6379'])).toBe(
      'service/rm2 exposed\n',
    );
    expect(await field(['service', 'rm2'], '{.spec.ports[0].port} {.spec.ports[0].targetPort}')).toBe('1234 6379');
    await endpoints('rm2', 6379);
    expect(await kubectl(['expose', 'service', 'rm2', '--name=rm3', '--port=2345', '--target-port=6379'])).toBe('service/rm3 exposed\n');
    await endpoints('rm3', 6379);
    await kubectl(['delete', 'rc/agnhost-primary', 'service/rm2', 'service/rm3']);
  });

  test('Kubectl, label update', async () => {
    await apply(sleeper('labelled'));
    await kubectl(['label', 'pods', 'labelled', 'testing-label=testing-label-value']);
    expect(await kubectl(['get', 'pod', 'labelled', '-L', 'testing-label'])).toContain('testing-label-value');
    await kubectl(['label', 'pods', 'labelled', 'testing-label-']);
    expect(await kubectl(['get', 'pod', 'labelled', '-L', 'testing-label'])).not.toContain('testing-label-value');
    await kubectl(['delete', 'pod', 'labelled']);
  });

  test('Kubectl, patch to annotate', async () => {
    await apply(controller('annotated', 2));
    for (const name of await runningPods('annotated', 2)) {
      await kubectl(['patch', 'pod', name, '-p', '{"metadata":{"annotations":{"x":"y"}}}']);
    }
    expect(await field(['pods', '-l', 'app=annotated'], '{.items[*].metadata.annotations.x}')).toBe('y y');
    await kubectl(['delete', 'rc', 'annotated']);
  });

  test('Kubectl, replace', async () => {
    await apply(sleeper('replaced'));
    await kubectl(['wait', 'pod/replaced', '--for=condition=Ready', '--timeout=60s']);
    const pod = await kubectl(['get', 'pod', 'replaced', '-o', 'json']);
    await kubectl(['replace', '-f', '-'], { input: pod.replaceAll(`"image": "${toolbox}"`, `"image": "${redis}"`) });
    expect(await field(['pod', 'replaced'], '{.spec.containers[0].image}')).toBe(redis);
    await kubectl(['delete', 'pod', 'replaced', '--now']);
  });

  test('Kubectl, run pod', async () => {
    expect(await kubectl(['run', 'e2e-test-pod', '--restart=Never', `--image=${toolbox}`, '--', '-c', 'exit 0'])).toBe(
      'pod/e2e-test-pod created\n',
    );
    expect(await field(['pod', 'e2e-test-pod'], '{.spec.containers[0].image} {.spec.restartPolicy}')).toBe(`${toolbox} Never`);
    await kubectl(['wait', 'pod/e2e-test-pod', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s']);
    await kubectl(['delete', 'pod', 'e2e-test-pod']);
  });

  test('Kubectl, server-side dry-run Pod', async () => {
    await kubectl(['run', 'dry-run', `--image=${toolbox}`, '--labels=run=dry-run', '--', '-c', 'exec sleep 10000']);
    const patch = JSON.stringify({ spec: { containers: [{ name: 'dry-run', image: redis }] } });
    expect(await kubectl(['patch', 'pod', 'dry-run', '-p', patch, '--dry-run=server'])).toMatch(/^pod\/dry-run patched/);
    expect(await field(['pod', 'dry-run'], '{.spec.containers[0].image}')).toBe(toolbox);
    await kubectl(['delete', 'pod', 'dry-run', '--now']);
  });

  test('Kubectl, version', async () => {
    const text = await kubectl(['version']);
    expect(text).toMatch(/^Client Version: v1\.\d+\.\d+/m);
    expect(text).toMatch(/^Server Version: v1\.35\.\d+/m);
    const { clientVersion, serverVersion }: Json = JSON.parse(await kubectl(['version', '-o', 'json']));
    for (const version of [clientVersion, serverVersion]) {
      for (const key of ['major', 'minor', 'gitVersion', 'gitCommit', 'buildDate', 'platform']) expect(version).toHaveProperty(key);
    }
  });

  /** What a proxy of kubectl answers for `/api/`. */
  const versionsThrough = (where: { readonly socketPath: string } | { readonly port: number }): Promise<Json> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', ...where, path: '/api/' }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
      });
      sent.on('error', reject);
      sent.end();
    });
  const ended = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill();
    });

  test('Kubectl, proxy port zero', async () => {
    const proxy = kubectl.start(['proxy', '--port=0', '--disable-filter']);
    const [, port] = /Starting to serve on 127\.0\.0\.1:(\d+)/.exec(await untilPrinted(proxy.stdout, /Starting to serve on .*:\d+\n/))!;
    expect((await versionsThrough({ port: Number(port) })).versions).toEqual(['v1']);
    await ended(proxy);
  });

  test('Kubectl, proxy socket', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kn-proxy-'));
    const socketPath = join(directory, 'test.sock');
    const proxy = kubectl.start(['proxy', `--unix-socket=${socketPath}`]);
    await untilPrinted(proxy.stdout, /Starting to serve on/);
    expect((await versionsThrough({ socketPath })).versions).toEqual(['v1']);
    await ended(proxy);
    rmSync(directory, { recursive: true, force: true });
  });
});
