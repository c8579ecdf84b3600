import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { seededRandom, systemClock } from '../base/index.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { createCertificateRequest } from './certificate-request.ts';
import { checkCertificateChain, checkCertificateRequest, readRequestSubject } from './request-check.ts';

const subject = { commonName: 'system:node:a', organizations: ['system:nodes', 'ünïcode'] };

function wrap(der: Buffer, type = 'CERTIFICATE REQUEST'): string {
  return `-----BEGIN ${type}-----\n${der.toString('base64')}\n-----END ${type}-----\n`;
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64');
}

describe('a request', () => {
  test.each([
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ])('of %s is read, and its signature checked', async (_name, makeKey) => {
    const pem = await createCertificateRequest(makeKey(), { subject, dnsNames: ['a.example.com'] });
    expect(checkCertificateRequest(`text before\n${pem}`)).toEqual(subject);
    const der = derOf(pem);
    der[der.length - 1]! ^= 1;
    expect(() => checkCertificateRequest(wrap(der))).toThrow(/verification (?:error|failure)$/);
    expect(readRequestSubject(wrap(der))).toEqual(subject);
  });

  test('that is cut off or garbage is refused, never more', async () => {
    const der = derOf(await createCertificateRequest(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, { subject }));
    for (let length = 0; length < der.length; length++) {
      expect(() => checkCertificateRequest(wrap(der.subarray(0, length)))).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
    }
    const random = seededRandom(7);
    for (let i = 0; i < 500; i++) {
      const broken = Buffer.from(der);
      for (let j = 0; j < 3; j++) broken[Math.floor(random.next() * der.length)] = Math.floor(random.next() * 256);
      try {
        checkCertificateRequest(wrap(broken));
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_REQUEST' });
      }
    }
    expect(() => checkCertificateRequest(wrap(Buffer.concat([der, Buffer.of(0)])))).toThrow('asn1: syntax error: trailing data');
    expect(() => checkCertificateRequest(wrap(der, 'NEW CERTIFICATE REQUEST'))).toThrow('PEM block type must be CERTIFICATE REQUEST');
    expect(() => checkCertificateRequest('')).toThrow('PEM block type must be CERTIFICATE REQUEST');
  });
});

describe('a chain', () => {
  test('is certificates and nothing else', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const request = await createCertificateRequest(privateKey, { subject });
    expect(() => checkCertificateChain('')).toThrow('must contain at least one CERTIFICATE PEM block');
    expect(() => checkCertificateChain(request)).toThrow('only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"');
    expect(() => checkCertificateChain(wrap(Buffer.of(0x30, 0), 'CERTIFICATE'))).toThrow('x509: malformed certificate');
    expect(() => checkCertificateChain('-----BEGIN CERTIFICATE-----\nA: b\n\nMAA=\n-----END CERTIFICATE-----\n')).toThrow(
      'no PEM block headers are permitted',
    );
  });

  test('of two certificates is fine', async () => {
    const { certificate } = await CertificateAuthority.create({ clock: systemClock, commonName: 'a' });
    expect(() => checkCertificateChain(`${certificate}\n${certificate}`)).not.toThrow();
  });
});
