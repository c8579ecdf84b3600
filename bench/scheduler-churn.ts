/** What goes on beside a scheduler that is measured: nodes that say they live, and objects that come and go. */
import { H2Connection, type H2Target } from './h2-client.ts';
import { leaseNamespace, node, nodeLease, pod, type PodShape } from './scheduler-objects.ts';
import type { Churn } from './scheduler-workloads.ts';

/** A controller takes a node for lost after 50 s; until shortly before, none has to say anything. */
const quietMs = 20_000;
const renewedWithinMs = 25_000;
const namespace = 'default';
const pods = `/api/v1/namespaces/${namespace}/pods`;

const nodePrefix = 'churn-node-';

/** Whether a node of that name came and goes by the churn. */
export const isChurnedNode = (name: string): boolean => name.startsWith(nodePrefix);

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Renews the Leases of nodes until the signal. */
export async function renewLeases(target: H2Target, names: readonly string[], signal: AbortSignal): Promise<void> {
  await pause(quietMs, signal);
  if (signal.aborted) return;
  using connection = await H2Connection.open(target);
  const batch = Math.ceil(names.length / (renewedWithinMs / 100));
  for (let at = 0; !signal.aborted; at = (at + batch) % names.length) {
    const renew = async (name: string): Promise<void> => {
      const { spec } = nodeLease(name);
      const path = `/apis/coordination.k8s.io/v1/namespaces/${leaseNamespace}/leases/${name}`;
      await connection.request({ method: 'PATCH', path, type: 'application/merge-patch+json', body: JSON.stringify({ spec }) });
    };
    await Promise.all(names.slice(at, at + batch).map(renew));
    await pause(100, signal);
  }
}

/** Makes the objects of a workload's churn until the signal. */
export async function churn(target: H2Target, { everyMs, shapes, recreate }: Churn, signal: AbortSignal): Promise<void> {
  using connection = await H2Connection.open(target);
  let made: string[] = [];
  for (let round = 0; !signal.aborted; round++) {
    if (recreate) {
      for (const path of made) await connection.request({ method: 'DELETE', path });
      made = [];
    }
    for (const shape of shapes) {
      const { collection, name, body } = churned(shape, round);
      const { status, text } = await connection.request({ method: 'POST', path: collection, body: JSON.stringify(body) });
      if (status !== 201) throw new Error(`churn: ${text()}`);
      made.push(`${collection}/${name}`);
    }
    await pause(everyMs, signal);
  }
}

function churned(shape: PodShape | 'node' | 'service', round: number) {
  if (shape === 'node') {
    const name = `${nodePrefix}${round}`;
    return { collection: '/api/v1/nodes', name, body: node({ name, index: 32_000 }) };
  }
  const name = `churn-${shape}-${round}`;
  if (shape !== 'service') return { collection: pods, name, body: pod({ name, namespace, shape, variant: 0 }) };
  const body = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: 'foo' }, ports: [{ port: 8080 }] } };
  return { collection: `/api/v1/namespaces/${namespace}/services`, name, body };
}
