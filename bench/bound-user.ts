/**
 * Who the API server is measured with: a workload that RBAC allows everything, so that its requests pass all that others' do. The
 * administrator of a cluster is let through before.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../src/base/index.ts';
import { CertificateAuthority } from '../src/pki/index.ts';
import type { BareControlPlane } from './bare-control-plane.ts';
import { H2Connection, type H2Target } from './h2-client.ts';

const name = 'system:serviceaccount:bench:load';
const apiGroup = 'rbac.authorization.k8s.io';

export async function bindUser({ pki, target }: BareControlPlane): Promise<H2Target> {
  const pair = { certificate: readFileSync(join(pki, 'ca.crt'), 'utf8'), key: readFileSync(join(pki, 'ca.key'), 'utf8') };
  const authority = CertificateAuthority.load(pair, { clock: systemClock });
  const subject = { commonName: name, organizations: ['system:serviceaccounts'] };
  const { certificate, key } = await authority.issue({ subject, usage: 'client' });
  using connection = await H2Connection.open(target);
  const binding = {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'bench' },
    roleRef: { apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', apiGroup, name }],
  };
  const path = `/apis/${apiGroup}/v1/clusterrolebindings`;
  const answer = await connection.request({ method: 'POST', path, body: JSON.stringify(binding) });
  if (answer.status !== 201) throw new Error(`the user of the bench: ${answer.text()}`);
  return { ...target, cert: certificate, key };
}
