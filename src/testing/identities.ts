/**
 * Keys and certificates of a simulated cluster, in memory only. By the machine's clock and chance, whatever the cluster runs on: those
 * who check them live in real time.
 */
import { systemClock } from '../base/index.ts';
import type { TokenSigner, TlsFiles, UserInfo } from '../apiserver/index.ts';
import { CertificateAuthority, generateEllipticKeySync, privateKeyPem, ServiceAccountKeys } from '../pki/index.ts';
import { buildKubeconfig, formatKubeconfig } from '../pki/kubeconfig/index.ts';

/** Everything that a real client needs. */
export interface ServingIdentity {
  readonly rootCa: string;
  readonly tls: TlsFiles;
  /** A kubeconfig of the administrator for a server on this address. */
  kubeconfig(address: { readonly host: string; readonly port: number }): string;
}

export const administrator: UserInfo = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

const issuer = 'https://kubernetes.default.svc.cluster.local';
const name = 'knarr-test';

export type Tokens = TokenSigner & { readonly verifySignature: (token: string) => unknown };

/** Signs and checks ServiceAccount tokens. Synchronous, so that a virtual run uses no other thread. */
export function createTokens(): Tokens {
  const keys = new ServiceAccountKeys({ signingKey: privateKeyPem(generateEllipticKeySync()) });
  return { issuer, audiences: [issuer], sign: (claims) => keys.sign(claims), verifySignature: (token) => keys.verify(token) };
}

export async function createServingIdentity(names: {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
}): Promise<ServingIdentity> {
  const authority = await CertificateAuthority.create({ commonName: 'kubernetes', clock: systemClock });
  const [server, admin] = await Promise.all([
    authority.issue({ subject: { commonName: 'kube-apiserver' }, usage: 'server', dnsNames: names.hosts, ipAddresses: names.addresses }),
    authority.issue({ subject: { commonName: administrator.name, organizations: ['system:masters'] }, usage: 'client' }),
  ]);
  const rootCa = authority.certificate;
  return {
    rootCa,
    tls: { cert: server.certificate, key: server.key, clientCa: rootCa },
    kubeconfig: ({ host, port }) =>
      formatKubeconfig(
        buildKubeconfig({
          cluster: name,
          user: name,
          context: name,
          server: `https://${host}:${port}`,
          certificateAuthority: rootCa,
          credentials: admin,
        }),
      ),
  };
}
