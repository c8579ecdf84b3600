import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildToolboxImage, toolbox } from '../../e2e/images.ts';
import { OwnCluster } from '../../e2e/own-cluster.ts';
import { type Json, unavailable } from '../support/cluster.ts';

const taint = 'kubernetes.io/e2e-evict-taint-key=evictTaintVal:NoExecute';

/** On a cluster of its own: what evicts from a node evicts everybody's pods. */
describe.skipIf(unavailable)('node/taints', () => {
  let cluster: OwnCluster;
  let node: string;

  beforeAll(async () => {
    if (unavailable) return;
    cluster = new OwnCluster({ name: `t${process.pid}` });
    await cluster.up('--wait');
    await buildToolboxImage(cluster.home, cluster.name);
    node = `${cluster.name}-1`;
  });
  afterAll(() => cluster?.remove());

  async function run(name: string, tolerationSeconds: number): Promise<void> {
    const toleration = { key: 'kubernetes.io/e2e-evict-taint-key', value: 'evictTaintVal', effect: 'NoExecute', tolerationSeconds };
    const spec = {
      tolerations: [toleration],
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'sleep', image: toolbox, command: ['sleep', '1000'] }],
    };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { group: name } }, spec };
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(pod));
    await cluster.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s']);
  }
  const gone = (name: string, timeout: string): Promise<unknown> =>
    cluster.kubectl(['wait', '--for=delete', `pod/${name}`, `--timeout=${timeout}`]);
  const pods = async (): Promise<string[]> =>
    JSON.parse(await cluster.kubectl(['get', 'pods', '-o', 'json'])).items.map(({ metadata }: Json) => metadata.name);
  const messages = async (name: string): Promise<string[]> => {
    const selector = `--field-selector=involvedObject.name=${name},reason=TaintManagerEviction`;
    return JSON.parse(await cluster.kubectl(['get', 'events', selector, '-o', 'json'])).items.map(({ message }: Json) => message);
  };

  test('Pod Eviction, Toleration limits', async () => {
    await run('short', 5);
    await run('long', 25);
    await cluster.kubectl(['taint', 'node', node, taint]);
    await gone('short', '25s');
    expect(await pods()).toEqual(['long']);
    await gone('long', '60s');
    await cluster.kubectl(['taint', 'node', node, `${taint}-`]);
    expect(await messages('short')).toEqual(['Marking for deletion Pod default/short']);
  });

  test('Taint, Pod Eviction on taint removal', async () => {
    await run('stays', 10);
    await cluster.kubectl(['taint', 'node', node, taint]);
    await expect(gone('stays', '4s')).rejects.toThrow('timed out');
    await cluster.kubectl(['taint', 'node', node, `${taint}-`]);
    await expect(gone('stays', '15s')).rejects.toThrow('timed out');
    expect(await pods()).toEqual(['stays']);
    expect(await messages('stays')).toEqual(['Cancelling deletion of Pod default/stays']);
  });
});
