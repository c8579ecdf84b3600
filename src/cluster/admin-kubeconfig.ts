/** The administrator's kubeconfig of a cluster. */
import { buildKubeconfig, formatKubeconfig } from '../pki/kubeconfig/index.ts';
import { readAdminIdentity } from './cluster-pki.ts';
import type { ClusterRecord } from './cluster-record.ts';
import type { ClusterPaths } from './home.ts';

export function renderAdminKubeconfig(record: ClusterRecord, paths: ClusterPaths): string {
  const { ca, cert, key } = readAdminIdentity(paths);
  const name = `knarr-${record.name}`;
  return formatKubeconfig(
    buildKubeconfig({
      cluster: name,
      user: name,
      context: name,
      server: `https://127.0.0.1:${record.apiPort}`,
      certificateAuthority: ca,
      credentials: { certificate: cert, key },
    }),
  );
}
