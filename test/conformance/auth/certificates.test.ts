import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Json, unavailable, useCluster } from '../support/cluster.ts';
import { HeldWatch } from '../support/watching.ts';

const mergePatch = { headers: { 'content-type': 'application/merge-patch+json' } };

describe.skipIf(unavailable)('auth/certificates', () => {
  const cluster = useCluster('conformance-certificates');
  const group = '/apis/certificates.k8s.io';
  const path = `${group}/v1/certificatesigningrequests`;

  async function requestPem(commonName: string): Promise<string> {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const made = await Pkcs10CertificateRequestGenerator.create({ name: `CN=${commonName},O=e2e`, keys, signingAlgorithm: algorithm });
    return made.toString('pem');
  }

  test('CertificateSigningRequest API', async () => {
    const groups = await cluster.api('GET', '/apis');
    expect(groups.groups.map(({ name }: Json) => name)).toContain('certificates.k8s.io');
    expect((await cluster.api('GET', group)).versions.map(({ version }: Json) => version)).toContain('v1');
    const { resources } = await cluster.api('GET', `${group}/v1`);
    const names = resources.map(({ name }: Json) => name);
    for (const name of ['', '/approval', '/status']) expect(names).toContain(`certificatesigningrequests${name}`);

    const signerName = 'example.com/e2e';
    const template = async (): Promise<Json> => ({
      metadata: { generateName: 'e2e-example-csr-', labels: { 'conformance-csr': 'yes' } },
      spec: {
        request: Buffer.from(await requestPem('e2e.example.com')).toString('base64'),
        signerName,
        expirationSeconds: 3600,
        usages: ['digital signature', 'key encipherment', 'server auth'],
      },
    });
    const created = await cluster.api('POST', path, await template());
    const own = `${path}/${created.metadata.name}`;
    // Who asks is not for the request to say.
    expect(created.spec.username).toBe('kubernetes-admin');
    expect(await cluster.api('GET', own)).toMatchObject({ metadata: { uid: created.metadata.uid } });
    expect((await cluster.api('GET', `${path}?fieldSelector=spec.signerName%3D${encodeURIComponent(signerName)}`)).items).toHaveLength(1);
    await using watch = await HeldWatch.open(
      cluster.transport(),
      `${path}?resourceVersion=${created.metadata.resourceVersion}&labelSelector=conformance-csr%3Dyes`,
    );
    const patched = await cluster.api('PATCH', own, { metadata: { annotations: { patched: 'true' } } }, mergePatch);
    expect(patched.metadata.annotations).toEqual({ patched: 'true' });
    const updated = await cluster.api('PUT', own, { ...patched, metadata: { ...patched.metadata, annotations: { updated: 'true' } } });
    expect(updated.metadata.annotations).toEqual({ updated: 'true' });
    expect((await watch.until(({ object }) => object.metadata.annotations?.updated === 'true')).type).toBe('MODIFIED');

    // The request itself stands as it was made.
    const changed = await cluster.request('PATCH', own, { spec: { usages: ['client auth'] } }, mergePatch);
    expect(changed.json.spec?.usages ?? updated.spec.usages).toEqual(updated.spec.usages);

    const approval = await cluster.api(
      'PATCH',
      `${own}/approval`,
      {
        metadata: { annotations: { patchedapproval: 'true' } },
        status: { conditions: [{ type: 'ApprovalPatch', status: 'True', reason: 'e2e' }] },
      },
      mergePatch,
    );
    expect(approval.status.conditions).toMatchObject([{ type: 'ApprovalPatch', status: 'True', reason: 'e2e' }]);
    const approved = await cluster.api('PUT', `${own}/approval`, {
      ...approval,
      status: {
        ...approval.status,
        conditions: [...approval.status.conditions, { type: 'Approved', status: 'True', reason: 'E2E', message: 'Set from an e2e test' }],
      },
    });
    expect(approved.status.conditions.map(({ type }: Json) => type)).toEqual(['ApprovalPatch', 'Approved']);
    const status = await cluster.api(
      'PATCH',
      `${own}/status`,
      {
        status: { conditions: [...approved.status.conditions, { type: 'StatusPatch', status: 'True', reason: 'e2e' }] },
      },
      mergePatch,
    );
    expect(status.status.conditions.map(({ type }: Json) => type)).toEqual(['ApprovalPatch', 'Approved', 'StatusPatch']);
    // An approval is not taken back.
    const withdrawn = await cluster.request('PUT', `${own}/approval`, { ...status, status: { conditions: [] } });
    expect(withdrawn.status).toBe(422);
    const withCertificate = await cluster.request(
      'PATCH',
      `${own}/status`,
      { status: { certificate: Buffer.from('garbage').toString('base64') } },
      mergePatch,
    );
    expect(withCertificate.status).toBe(422);

    await cluster.api('DELETE', own);
    expect((await watch.until(({ type }) => type === 'DELETED')).object.metadata.name).toBe(created.metadata.name);
    for (let index = 0; index < 3; index++) await cluster.api('POST', path, await template());
    expect((await cluster.api('GET', `${path}?labelSelector=conformance-csr%3Dyes`)).items).toHaveLength(3);
    await cluster.api('DELETE', `${path}?labelSelector=conformance-csr%3Dyes`);
    expect((await cluster.api('GET', `${path}?labelSelector=conformance-csr%3Dyes`)).items).toEqual([]);
  });
});
