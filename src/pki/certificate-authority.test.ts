import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemClock, VirtualClock } from '../base/index.ts';
import { readCertificate } from './certificate.ts';
import { type CertificateAndKey, CertificateAuthority, type CertificateProfile, dayMs, yearMs } from './certificate-authority.ts';
import type { KeyAlgorithm } from './private-key.ts';

const clock = new VirtualClock(Date.UTC(2026, 5, 1));
const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

let authority: CertificateAuthority;
beforeAll(async () => {
  authority = await CertificateAuthority.create({ clock, commonName: 'kubernetes' });
});

const client: CertificateProfile = { subject: { commonName: 'jane', organizations: ['dev', 'ops'] }, usage: 'client' };
const server: CertificateProfile = {
  subject: { commonName: 'kube-apiserver' },
  usage: 'server',
  dnsNames: ['localhost', '*.example.com'],
  ipAddresses: ['127.0.0.1', 'fd00::10'],
};

describe('what an authority makes', () => {
  test('an authority is valid ten years, from five minutes ago', () => {
    const facts = readCertificate(authority.certificate);
    expect(facts).toMatchObject({ subject: { commonName: 'kubernetes', organizations: [] }, isAuthority: true });
    expect([facts.notBeforeMs - clock.now(), facts.notAfterMs - clock.now()]).toEqual([-5 * 60_000, 10 * yearMs]);
  });

  test.each([
    ['a client', client, [clientAuth]],
    ['a server', server, [serverAuth]],
    ['a peer', { ...server, usage: 'peer' }, [serverAuth, clientAuth]],
  ] as const)('%s gets its subject, names and usages, for one year', async (_, profile, usages) => {
    const facts = readCertificate((await authority.issue(profile)).certificate);
    expect(facts).toMatchObject({
      subject: { organizations: [], ...profile.subject },
      dnsNames: profile.dnsNames ?? [],
      ipAddresses: profile.ipAddresses ?? [],
      extendedKeyUsages: usages,
      isAuthority: false,
      notBeforeMs: clock.now() - 5 * 60_000,
      notAfterMs: clock.now() + yearMs,
    });
    expect(facts.x509.verify(readCertificate(authority.certificate).x509.publicKey)).toBe(true);
  });

  test('serial numbers are random, positive and 16 bytes long', async () => {
    const serials = await Promise.all(
      Array.from({ length: 20 }, async () => readCertificate((await authority.issue(client)).certificate).x509.serialNumber),
    );
    expect(new Set(serials).size).toBe(20);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('nothing outlives its authority, and an expired one signs nothing', async () => {
    const time = new VirtualClock();
    const short = await CertificateAuthority.create({ clock: time, commonName: 'short', validityMs: 10 * dayMs });
    await time.advance(4 * dayMs);
    expect(readCertificate((await short.issue(client)).certificate).notAfterMs).toBe(time.now() + 6 * dayMs);
    await time.advance(6 * dayMs);
    await expect(short.issue(client)).rejects.toMatchObject({
      code: 'AUTHORITY_UNUSABLE',
      message: expect.stringContaining('authority short expired'),
    });
  });

  test('a name that is no address is refused', async () => {
    await expect(authority.issue({ ...server, ipAddresses: ['10.0.0.256'] })).rejects.toThrow('"10.0.0.256" is not an IP address');
  });

  test('an authority is loaded from what it was saved as, and not with the key or certificate of another', async () => {
    const { certificate, key } = authority;
    const loaded = CertificateAuthority.load({ certificate, key }, { clock });
    expect(readCertificate((await loaded.issue(client)).certificate).x509.verify(readCertificate(certificate).x509.publicKey)).toBe(true);
    const leaf = await authority.issue(client);
    expect(() => CertificateAuthority.load({ certificate, key: leaf.key }, { clock })).toThrow(
      'the private key does not belong to the certificate',
    );
    expect(() => CertificateAuthority.load(leaf, { clock })).toThrow('is not that of an authority');
    expect(() => CertificateAuthority.load({ certificate: key, key }, { clock })).toThrow('is not a certificate in PEM');
  });
});

describe.each<KeyAlgorithm>(['ecdsa-p256', 'ecdsa-p384', 'rsa-2048'])('certificates with %s keys', (algorithm) => {
  let ours: CertificateAuthority;
  let serverPair: CertificateAndKey;
  let clientPair: CertificateAndKey;
  beforeAll(async () => {
    ours = await CertificateAuthority.create({ clock: systemClock, commonName: 'kubernetes', algorithm });
    serverPair = await ours.issue(server, algorithm);
    clientPair = await ours.issue(client, algorithm);
  });

  /** Connects with `pair` and returns what the server saw of the client. */
  async function handshake(options: { readonly pair?: CertificateAndKey; readonly name: string; readonly ca?: string }): Promise<string> {
    const listener = createServer({
      cert: serverPair.certificate,
      key: serverPair.key,
      ca: ours.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    try {
      const seen = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
      const failed = once(listener, 'tlsClientError').then(([error]) => Promise.reject(error as Error));
      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: options.name,
        ca: options.ca ?? ours.certificate,
        ...(options.pair && { cert: options.pair.certificate, key: options.pair.key }),
      });
      try {
        const clientFailed = once(socket, 'error').then(([error]) => Promise.reject(error as Error));
        const [connection] = await Promise.race([seen, failed, clientFailed]);
        return connection.getPeerX509Certificate()!.toLegacyObject().subject['CN'] as string;
      } finally {
        socket.destroy();
        for (const pending of [seen, failed]) pending.catch(() => {});
      }
    } finally {
      listener.close();
    }
  }

  test('mutual TLS succeeds by DNS name', async () => {
    expect(await handshake({ pair: clientPair, name: 'localhost' })).toBe('jane');
  });

  test("a client without, or with a server's certificate, is turned away", async () => {
    await expect(handshake({ name: 'localhost' })).rejects.toThrow(/peer did not return a certificate|certificate required/);
    await expect(handshake({ pair: serverPair, name: 'localhost' })).rejects.toThrow(/socket hang up|unsuitable certificate purpose/);
  });

  test('a server is not believed under another name, or by somebody with another authority', async () => {
    await expect(handshake({ pair: clientPair, name: 'other.test' })).rejects.toThrow(/does not match certificate's altnames/);
    await expect(handshake({ pair: clientPair, name: 'localhost', ca: authority.certificate })).rejects.toThrow(
      /self-signed certificate in certificate chain|unable to verify/,
    );
  });

  test.skipIf(!hasOpenssl)('openssl verifies them for their purpose (skipped where openssl is missing)', () => {
    const directory = mkdtempSync(join(tmpdir(), 'knarr-pki-'));
    try {
      for (const [file, text] of [
        ['ca', ours.certificate],
        ['server', serverPair.certificate],
        ['client', clientPair.certificate],
      ] as const)
        writeFileSync(join(directory, file), text);
      const verify = (file: string, purpose: string): number | null =>
        spawnSync('openssl', ['verify', '-x509_strict', '-CAfile', 'ca', '-purpose', purpose, file], { cwd: directory }).status;
      expect([verify('server', 'sslserver'), verify('client', 'sslclient')]).toEqual([0, 0]);
      expect([verify('server', 'sslclient'), verify('client', 'sslserver')]).not.toContain(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
