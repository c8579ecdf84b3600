import { beforeAll, describe, expect, test } from 'vitest';
import { unavailable, useKubectl } from './kubectl.ts';
import { redisServer, sleeper, web } from './manifests.ts';

describe.skipIf(unavailable)('Services, names and the pod network', () => {
  const kubectl = useKubectl('e2e-services');
  const inBox = (command: string): Promise<string> => kubectl(['exec', 'box', '--', 'sh', '-c', command]);

  beforeAll(async () => {
    if (unavailable) return;
    await kubectl(['apply', '-f', '-'], { input: sleeper('box') });
    await kubectl(['apply', '-f', '-'], { input: redisServer });
    await kubectl(['apply', '-f', '-'], { input: web({ replicas: 3 }) });
    await kubectl(['expose', 'deployment', 'web', '--port=80', '--target-port=http', '--type=NodePort']);
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=90s']);
    await kubectl(['wait', 'pod/box', 'pod/redis', '--for=condition=Ready', '--timeout=60s']);
  });

  test('a real Redis answers other pods by its DNS name', async () => {
    await expect.poll(() => inBox('printf "PING\\r\\nQUIT\\r\\n" | timeout 3 nc redis 6379'), { timeout: 10_000 }).toBe('+PONG\r\n+OK\r\n');
    expect(await inBox('printf "SET k v\\r\\nGET k\\r\\nQUIT\\r\\n" | timeout 3 nc redis.e2e-services.svc.cluster.local 6379')).toBe(
      '+OK\r\n$1\r\nv\r\n+OK\r\n',
    );
  });

  test('names: search path, full name, headless, pointer, nobody', async () => {
    const clusterIp = await kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
    expect(await inBox('nslookup web.e2e-services.svc.cluster.local')).toContain(`Address: ${clusterIp}`);
    expect(await inBox('cat /etc/resolv.conf')).toMatch(/^search e2e-services\.svc\.cluster\.local svc\.cluster\.local cluster\.local$/m);
    expect(await inBox(`nslookup ${clusterIp}`)).toContain('web.e2e-services.svc.cluster.local');
    await kubectl(['expose', 'deployment', 'web', '--name=headless', '--cluster-ip=None', '--port=8080']);
    await expect
      .poll(async () => (await inBox('nslookup headless.e2e-services.svc.cluster.local')).match(/Address: 10\./g)?.length, {
        timeout: 10_000,
      })
      .toBe(3);
    expect(await kubectl.failing(['exec', 'box', '--', 'nslookup', 'nobody.e2e-services.svc.cluster.local'])).toContain('exit code 1');
  });

  test('the cluster IP reaches every replica, from a pod and from a replica itself', async () => {
    const answers = new Set((await inBox('for i in $(seq 40); do timeout 3 wget -qO- http://web/; done')).trim().split('\n'));
    expect(answers.size).toBe(3);
    const [pod] = (await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ');
    expect(
      (await kubectl(['exec', pod!, '--', 'sh', '-c', 'for i in $(seq 12); do timeout 3 wget -qO- http://web/; done'])).trim().split('\n'),
    ).toHaveLength(12);
  });

  test('the node port answers on the node address', async () => {
    const [port, node] = await Promise.all([
      kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}']),
      kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}']),
    ]);
    expect(await (await fetch(`http://${node}:${port}/`)).text()).toMatch(/^v1 web-/);
    expect(await inBox(`timeout 3 wget -qO- http://${node}:${port}/`)).toMatch(/^v1 web-/);
  });

  test('a Service without endpoints refuses at once', async () => {
    await kubectl(['create', 'service', 'clusterip', 'empty', '--tcp=80:80']);
    await expect
      .poll(() => kubectl.failing(['exec', 'box', '--', 'sh', '-c', 'timeout 2 wget -qO- http://empty/']), { timeout: 15_000 })
      .toContain('Connection refused');
  });

  test('session affinity keeps a client at one replica', async () => {
    await kubectl(['patch', 'service', 'web', '-p', '{"spec":{"sessionAffinity":"ClientIP"}}']);
    const distinct = async (): Promise<number> =>
      new Set((await inBox('for i in $(seq 10); do timeout 3 wget -qO- http://web/; done')).trim().split('\n')).size;
    await expect.poll(distinct, { timeout: 15_000 }).toBe(1);
  });

  test('pods reach the API server with their own token', async () => {
    const version = await inBox('ls /var/run/secrets/kubernetes.io/serviceaccount/ && echo $KUBERNETES_SERVICE_HOST');
    expect(version).toMatch(/ca\.crt\nnamespace\ntoken\n10\.\d+\.0\.1/);
  });
});
