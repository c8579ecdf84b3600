/**
 * The servers that the API server asks (webhooks for tokens, access and audit, issuers of ID tokens) all answer through one client. What
 * one of them can do to it is bounded, whichever it is.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpsClient, OutgoingError, WebhookClient } from '../../src/apiserver/outgoing/index.ts';
import { type Clock, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts';
import { createTestAuthority, type TestAuthority } from './certificates.ts';
import { startHttps } from './local-https.ts';

let authority: TestAuthority;
let hostile: { readonly url: string; close(): Promise<void> };
const asked: string[] = [];
const { signal } = new AbortController();
const chunk = Buffer.alloc(64 * 1024, 0x20);

function flood(response: ServerResponse): void {
  while (!response.destroyed && response.write(chunk));
  response.once('drain', () => flood(response));
}

const behaviours: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/silent': () => {},
  '/drip': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 10);
    response.once('close', () => clearInterval(timer));
  },
  '/redirect': (response) => void response.writeHead(307, { location: '/secret' }).end(),
  '/flood': flood,
  '/claims-much': (response) => void response.writeHead(200, { 'content-length': '99999999999' }).write('{'),
  '/head': (response) => void response.socket!.write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}\r\n`),
  '/no-http': (response) => void response.socket!.end('\0\u00ff hello\r\n\r\n'),
  '/half': (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"a":');
    setImmediate(() => response.socket?.destroy());
  },
  '/gzip': (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50 * 1024 * 1024))),
  '/list': (response) => void response.end('[]'),
  '/deep': (response) => void response.end('['.repeat(1_000_000)),
};

beforeAll(async () => {
  authority = await createTestAuthority();
  hostile = await startHttps(authority, (request, _body, response) => {
    asked.push(request.url!);
    (behaviours[request.url!] ?? ((other: ServerResponse) => void other.end('{}')))(response);
  });
});
afterAll(() => hostile.close());

const rows: [path: string, refusal: RegExp][] = [
  ['/silent', /context deadline exceeded/],
  ['/drip', /context deadline exceeded/],
  ['/redirect', /answered 307/],
  ['/flood', /the answer is longer than 3145728 bytes/],
  ['/claims-much', /context deadline exceeded/],
  ['/head', /Header overflow|Parse Error/],
  ['/no-http', /Parse Error/],
  ['/half', /aborted|broke|socket hang up/],
  ['/gzip', /did not answer with an object/],
  ['/list', /did not answer with an object/],
  ['/deep', /did not answer with an object/],
];

test.each(rows)('a webhook that behaves like %s is given up', { timeout: 30_000 }, async (path, refusal) => {
  const connection = { server: hostile.url + path, certificateAuthority: authority.ca } as ConstructorParameters<typeof WebhookClient>[0];
  // What may help is tried again, here without pauses.
  const clock: Clock = { ...systemClock, sleep: () => Promise.resolve() };
  const client = new WebhookClient(connection, { clock, random: systemRandom, log: silentLogger }, 1_000);
  try {
    const error: unknown = await client.post({}, signal).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutgoingError);
    expect((error as OutgoingError).message).toMatch(refusal);
    expect(asked).not.toContain('/secret');
  } finally {
    client.close();
  }
});

test('an answer that stays just within the limit is read', async () => {
  const body = `{"a":"${'x'.repeat(3 * 1024 * 1024 - 8)}"}`;
  const good = await startHttps(authority, (_request, _body, response) => void response.end(body));
  const https = new HttpsClient({ clock: systemClock, ca: authority.ca, timeoutMs: 20_000 });
  try {
    expect((await https.send(good.url, { method: 'GET' }, signal)).body).toHaveLength(3 * 1024 * 1024);
  } finally {
    https.close();
    await good.close();
  }
});

test.each(['http://127.0.0.1:1/', 'file:///etc/passwd', 'ftp://x/', 'x', ''])('%j is not asked: only https is', async (url) => {
  const https = new HttpsClient({ clock: systemClock, timeoutMs: 1_000 });
  await expect(https.send(url, { method: 'GET' }, signal)).rejects.toThrow('is not an https URL');
});

test('nobody is believed without the right certificate, nor somebody who does not speak TLS', { timeout: 30_000 }, async () => {
  const stranger = await createTestAuthority('somebody-else');
  const silent = createTcpServer((socket) => void socket.on('error', () => {}).write('hello'));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const attempts: [string, string | undefined, RegExp][] = [
    [hostile.url, stranger.ca, /unable to verify|self-signed|unable to get/],
    [hostile.url, undefined, /unable to verify|self-signed|unable to get/],
    [hostile.url.replace('127.0.0.1', '127.0.0.2'), authority.ca, /not in the cert's list|ECONNREFUSED/],
    [`https://127.0.0.1:${(silent.address() as AddressInfo).port}/`, authority.ca, /wrong version number|packet length|context deadline/],
  ];
  for (const [url, ca, refusal] of attempts) {
    const https = new HttpsClient({ clock: systemClock, ca, timeoutMs: 2_000 });
    await expect(https.send(url, { method: 'GET' }, signal)).rejects.toThrow(refusal);
    https.close();
  }
  silent.close();
});
