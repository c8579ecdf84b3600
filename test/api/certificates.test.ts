/** Requests for certificates: who asks is written down, who approves and signs is asked of the authorizer, and bad ones are refused. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/api/index.ts';
import type { Authorizer } from '../../src/apiserver/index.ts';
import { createCertificateRequest } from '../../src/pki/index.ts';
import { startTestServer, testExtensions, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';

const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
let server: TestServer;

beforeAll(async () => {
  // The first authorizer is the one that is asked.
  server = await startTestServer({ extensions: [() => ({ authorizer: signersOnly }), ...testExtensions()] });
});
afterAll(() => server.close());

/** Everybody may do everything, but act for a signer only as a member of a group, for all signers of the domain. */
const signersOnly: Authorizer = (user, { resource, name }) => {
  const mayAct = user.groups.includes('system:masters') || (user.groups.includes('example-approvers') && name === 'example.com/*');
  return { decision: resource !== 'signers' || mayAct ? 'allow' : 'no-opinion', reason: '' };
};

async function pem(subject: { commonName: string; organizations?: string[] }, type: 'rsa' | 'ec' = 'ec'): Promise<string> {
  const { privateKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return createCertificateRequest(privateKey, { subject });
}

function request(name: string, text: string, spec: JsonObject = {}): object {
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: { request: Buffer.from(text).toString('base64'), signerName: 'example.com/signer', usages: ['client auth'], ...spec },
  };
}

const post = (object: object): Promise<HttpAnswer> => server.http('POST', path, object);

describe('a request', () => {
  test('says who asked, whatever the body says', async () => {
    const { json, status } = await post(request('mine', await pem({ commonName: 'jane' }), { username: 'someone-else', groups: ['x'] }));
    expect(status).toBe(201);
    expect(json.spec).toMatchObject({ username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] });
    expect(json.status).toEqual({});
  });

  test('of RSA is read as well', async () => {
    expect((await post(request('rsa', await pem({ commonName: 'jane' }, 'rsa')))).status).toBe(201);
  });

  test('that is none, or is signed by another key, is refused', async () => {
    expect((await post(request('junk', 'junk'))).json.details.causes).toEqual([
      expect.objectContaining({ field: 'spec.request', message: expect.stringMatching(/PEM block type must be CERTIFICATE REQUEST$/) }),
    ]);
    const text = await pem({ commonName: 'jane' });
    const der = Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64');
    der[der.length - 5]! ^= 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    expect((await post(request('forged', forged))).json.message).toMatch(/x509: ECDSA verification failure$/);
    const cut = `-----BEGIN CERTIFICATE REQUEST-----\n${der.subarray(0, 40).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    expect((await post(request('cut', cut))).json.message).toMatch(/asn1: syntax error/);
  });

  test('for a client certificate of the masters is refused', async () => {
    const text = await pem({ commonName: 'root', organizations: ['a', 'system:masters'] });
    const { json } = await post(request('masters', text, { signerName: 'kubernetes.io/kube-apiserver-client' }));
    expect(json.message).toBe(
      'certificatesigningrequests.certificates.k8s.io "masters" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    );
  });

  test('keeps its rules', async () => {
    const { json } = await post(
      request('rules', await pem({ commonName: 'a' }), {
        signerName: 'nodomain',
        usages: ['fly', 'client auth', 'client auth'],
        expirationSeconds: 5,
      }),
    );
    expect(json.details.causes.map(({ field }: { field: string }) => field)).toEqual([
      'spec.usages[0]',
      'spec.usages[2]',
      'spec.signerName',
      'spec.expirationSeconds',
    ]);
  });
});

describe('approval and signing', () => {
  const approve = (json: JsonObject, type = 'Approved'): object => ({
    ...json,
    status: { conditions: [{ type, status: 'True', reason: 'Test', message: 'by a test' }] },
  });

  test('are for those whom the authorizer lets', async () => {
    const { json } = await post(request('wanted', await pem({ commonName: 'jane' })));
    const bob = await server.authority.client({ name: 'bob', groups: [] });
    const refused = await server.http('PUT', `${path}/wanted/approval`, approve(json), { identity: bob });
    expect(refused.json).toMatchObject({
      code: 403,
      message:
        'certificatesigningrequests.certificates.k8s.io "wanted" is forbidden: user not permitted to approve requests with signerName "example.com/signer"',
    });
    const approver = await server.authority.client({ name: 'ann', groups: ['example-approvers'] });
    const approved = await server.http('PUT', `${path}/wanted/approval`, approve(json), { identity: approver });
    expect(approved.status).toBe(200);
    expect(approved.json.status.conditions[0].lastUpdateTime).toMatch(/Z$/);
    const signing = {
      ...approved.json,
      status: { ...approved.json.status, certificate: Buffer.from(server.authority.ca).toString('base64') },
    };
    const unsigned = await server.http('PUT', `${path}/wanted/status`, signing, { identity: bob });
    expect(unsigned.json.message).toMatch(/user not permitted to sign requests with signerName "example.com\/signer"$/);
    const signed = await server.http('PUT', `${path}/wanted/status`, signing, { identity: approver });
    expect(signed.json.status.certificate).toBe(signing.status.certificate);
    // What does not touch the certificate needs no signer.
    expect((await server.http('PUT', `${path}/wanted/status`, signed.json, { identity: bob })).status).toBe(200);
  });

  test('own only what they may write', async () => {
    const asked = request('owned', await pem({ commonName: 'jane' }));
    const { json } = await post({ ...asked, metadata: { name: 'owned', labels: { for: 'jane' } } });
    expect(json.metadata.managedFields.map(({ fieldsV1 }: JsonObject) => Object.keys(fieldsV1 as JsonObject))).toEqual([['f:metadata']]);
    const { json: approved } = await server.http('PUT', `${path}/owned/approval?fieldManager=approver`, approve(json));
    expect(approved.metadata.managedFields).toMatchObject([
      {},
      { manager: 'approver', subresource: 'approval', fieldsV1: { 'f:status': { 'f:conditions': {} } } },
    ]);
  });

  test('do not undo what was decided', async () => {
    const { json } = await post(request('denied', await pem({ commonName: 'jane' })));
    const denied = await server.http('PUT', `${path}/denied/approval`, approve(json, 'Denied'));
    expect(denied.status).toBe(200);
    const undone = await server.http('PUT', `${path}/denied/approval`, { ...denied.json, status: {} });
    expect(undone.json.message).toMatch(/status.conditions: Forbidden: updates may not remove a condition of type "Denied"$/);
    const both = { ...denied.json, status: { conditions: [...denied.json.status.conditions, { type: 'Approved', status: 'True' }] } };
    expect((await server.http('PUT', `${path}/denied/approval`, both)).json.message).toMatch(
      /Approved and Denied conditions are mutually exclusive/,
    );
    const certificate = { ...denied.json, status: { ...denied.json.status, certificate: Buffer.from('junk').toString('base64') } };
    expect((await server.http('PUT', `${path}/denied/status`, certificate)).json.message).toMatch(
      /status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block$/,
    );
  });

  test('a field selector finds the requests of a signer', async () => {
    const { json } = await server.http('GET', `${path}?fieldSelector=spec.signerName%3Dexample.com%2Fother`);
    expect(json.items).toEqual([]);
  });
});

test('openssl agrees on what a request is', async (ctx) => {
  let text: string;
  try {
    text = execFileSync('openssl', ['req', '-new', '-newkey', 'ed25519', '-nodes', '-keyout', '/dev/null', '-subj', '/O=ops/CN=jane'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    ctx.skip('openssl is not installed');
    return;
  }
  expect((await post(request('openssl', text))).status).toBe(201);
});
