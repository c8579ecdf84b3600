/** The keys and certificates of a cluster of this machine: made by `up`, read by every process that needs a part of them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/index.ts';
import type { TlsIdentity } from '../client/index.ts';
import { ensureClusterPki, ServiceAccountKeys } from '../pki/index.ts';
import type { ClusterRecord, NodeRecord } from './cluster-record.ts';
import { type ClusterPaths, makePrivateDirectory } from './home.ts';
import { hostAddresses, nodeAddresses } from './network/addresses.ts';

const issuer = 'https://kubernetes.default.svc.cluster.local';

/** Makes what is missing or about to expire. */
export async function ensurePki(record: ClusterRecord, paths: ClusterPaths, clock: Clock): Promise<void> {
  makePrivateDirectory(paths.pki);
  await ensureClusterPki(paths.pki, {
    clock,
    apiServerSans: hostAddresses(record.network),
    serviceIps: [record.network.apiServiceIp],
    nodes: record.nodes.map((node) => ({ name: node.name, addresses: nodeAddresses(record.network, node) })),
  });
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

function readPair(paths: ClusterPaths, name: string): Pair {
  return { cert: readFileSync(join(paths.pki, `${name}.crt`), 'utf8'), key: readFileSync(join(paths.pki, `${name}.key`), 'utf8') };
}

function readAuthority(paths: ClusterPaths): string {
  return readFileSync(join(paths.pki, 'ca.crt'), 'utf8');
}

/** The administrator's certificate; empty before the first `up` has made it. */
export function readAdminIdentity(paths: ClusterPaths): { readonly ca: string; readonly cert: string; readonly key: string } {
  if (!existsSync(join(paths.pki, 'admin.crt'))) return { ca: '', cert: '', key: '' };
  return { ca: readAuthority(paths), ...readPair(paths, 'admin') };
}

/** What the control plane needs, in the form that its configuration takes. */
export function readControlPlanePki(paths: ClusterPaths) {
  const rootCa = readAuthority(paths);
  const keys = new ServiceAccountKeys({ signingKey: readFileSync(join(paths.pki, 'sa.key'), 'utf8') });
  const kubeletClient = { ca: rootCa, ...readPair(paths, 'apiserver-kubelet-client') };
  const { cert: certificate, key } = readPair(paths, 'ca');
  return {
    rootCa,
    signingAuthority: { certificate, key },
    tls: { ...readPair(paths, 'apiserver'), clientCa: rootCa },
    kubeletTls: () => kubeletClient,
    tokens: {
      issuer,
      audiences: [issuer],
      sign: (claims: object) => keys.sign(claims),
      verifySignature: (token: string) => keys.verify(token),
      publicKeys: keys,
    },
  };
}

/** What a node's agent needs. */
export function readNodePki(
  paths: ClusterPaths,
  { name }: NodeRecord,
): { readonly ca: string; readonly identity: (file: string) => TlsIdentity; readonly serving: Pair } {
  const ca = readAuthority(paths);
  return {
    ca,
    identity: (file) => ({ ca, ...readPair(paths, `nodes/${name}/${file}`) }),
    serving: readPair(paths, `nodes/${name}/kubelet`),
  };
}
