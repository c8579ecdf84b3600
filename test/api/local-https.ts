/** HTTPS servers of a test on loopback: an issuer of ID tokens whose keys can change, and a webhook that answers what it is told. */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { TestAuthority } from './certificates.ts';

type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void;

/** @returns the server's URL and how it is closed */
export async function startHttps(authority: TestAuthority, handle: Handler): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server: Server = createServer(authority.server, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => handle(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `https://127.0.0.1:${port}`, close };
}

/** By which an API server finds a webhook at that address, and says who it is by the token `the-server`. */
export function webhookKubeconfig(authority: TestAuthority, url: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'w', cluster: { server: url, 'certificate-authority-data': Buffer.from(authority.ca).toString('base64') } }],
    users: [{ name: 'u', user: { token: 'the-server' } }],
    contexts: [{ name: 'c', context: { cluster: 'w', user: 'u' } }],
    'current-context': 'c',
  });
}

export interface TestIssuer {
  readonly url: string;
  /** How often the keys were asked for. */
  readonly fetches: number;
  /** A token with these claims over good ones, signed with the newest key unless another is named. */
  token(claims?: object, options?: { readonly alg?: string; readonly kid?: string | undefined; readonly key?: CryptoKey }): Promise<string>;
  /** From now on tokens are signed by another key, and the old one is not published any more. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

export async function startIssuer(authority: TestAuthority, audience: string): Promise<TestIssuer> {
  let jwk: JWK = {};
  let privateKey: CryptoKey;
  let fetches = 0;
  let serial = 0;
  const rotate = async (): Promise<void> => {
    const pair = await generateKeyPair('RS256', { extractable: true });
    privateKey = pair.privateKey;
    jwk = { ...(await exportJWK(pair.publicKey)), kid: `key-${++serial}`, alg: 'RS256', use: 'sig' };
  };
  await rotate();
  const server = await startHttps(authority, (request, _, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.endsWith('/.well-known/openid-configuration') || request.url === '/elsewhere') {
      response.end(JSON.stringify({ issuer: server.url, jwks_uri: `${server.url}/keys` }));
    } else if (request.url === '/keys') {
      fetches++;
      response.end(JSON.stringify({ keys: [jwk] }));
    } else {
      response.writeHead(404).end('{}');
    }
  });
  return {
    url: server.url,
    get fetches() {
      return fetches;
    },
    rotate,
    token: (claims = {}, { alg = 'RS256', kid = jwk.kid, key = privateKey } = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: server.url, aud: audience, sub: 'jane', exp: now + 600, iat: now, ...claims };
      return new SignJWT(all).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(key);
    },
    close: () => server.close(),
  };
}
