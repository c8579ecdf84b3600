import { createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../base/index.ts';
import { readCertificate } from './certificate.ts';
import { CertificateAuthority, dayMs } from './certificate-authority.ts';
import { createCertificateRequest, readCertificateRequest } from './certificate-request.ts';
import { generatePrivateKey, type KeyAlgorithm, privateKeyPem } from './private-key.ts';

const wanted = {
  subject: { commonName: 'system:node:worker-1', organizations: ['system:nodes'] },
  dnsNames: ['worker-1', 'worker-1.example'],
  ipAddresses: ['10.0.0.7', 'fd00::7'],
};

describe('certificate requests', () => {
  test.each<KeyAlgorithm>(['ecdsa-p256', 'ecdsa-p384', 'rsa-2048'])('say with a key of %s who asks for what', async (algorithm) => {
    const key = await generatePrivateKey(algorithm);
    const { publicKey, ...request } = await readCertificateRequest(await createCertificateRequest(key, wanted));
    expect(request).toEqual({ ...wanted, emailAddresses: [], uris: [] });
    expect(publicKey.byteLength).toBeGreaterThan(80);
  });

  test('are signed into a certificate for the key of whoever asked', async () => {
    const clock = new VirtualClock();
    const authority = await CertificateAuthority.create({ clock, commonName: 'kubernetes' });
    const key = await generatePrivateKey();
    const request = await readCertificateRequest(await createCertificateRequest(key, wanted));
    const facts = readCertificate(await authority.signRequest(request, { usage: 'server', validityMs: 30 * dayMs }));
    expect(facts).toMatchObject({ ...wanted, notAfterMs: clock.now() + 30 * dayMs, extendedKeyUsages: ['1.3.6.1.5.5.7.3.1'] });
    expect(facts.x509.checkPrivateKey(createPrivateKey(privateKeyPem(key)))).toBe(true);
  });

  test('without names are read too', async () => {
    const request = await readCertificateRequest(
      await createCertificateRequest(await generatePrivateKey(), { subject: { commonName: 'jane' } }),
    );
    expect(request).toMatchObject({ subject: { commonName: 'jane', organizations: [] }, dnsNames: [], ipAddresses: [] });
  });

  test('that were changed after signing are refused', async () => {
    const pem = await createCertificateRequest(await generatePrivateKey(), wanted);
    const der = Buffer.from(pem.replaceAll(/-----.*-----|\n/g, ''), 'base64');
    der[der.indexOf('worker-1')] = 'W'.charCodeAt(0);
    const changed = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    await expect(readCertificateRequest(changed)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('not signed by its own key'),
    });
  });

  test.each([[''], ['hello'], ['-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----']])(
    'are not %j',
    async (text) => {
      await expect(readCertificateRequest(text)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    },
  );
});
