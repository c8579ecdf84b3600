/** The certificate for hosts that have none: made once for a node, signed by nobody that anyone trusts. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, writeFileAtomically } from '../base/index.ts';
import { CertificateAuthority, readCertificate } from '../pki/index.ts';

const renewBeforeMs = 30 * 24 * 60 * 60 * 1000;

/** Makes `default.pem` unless there is one that lasts. */
export async function ensureDefaultCertificate(directory: string, clock: Clock): Promise<void> {
  const path = join(directory, 'default.pem');
  if (existsSync(path) && readCertificate(readFileSync(path, 'utf8')).notAfterMs > clock.now() + renewBeforeMs) return;
  const authority = await CertificateAuthority.create({ clock, commonName: 'Knarr Ingress Default Certificate' });
  const { certificate, key } = await authority.issue({
    subject: { commonName: 'Knarr Ingress Default Certificate' },
    usage: 'server',
    dnsNames: ['ingress.local'],
  });
  writeFileAtomically(path, `${certificate}${key}`);
}
