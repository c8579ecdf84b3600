/** A server that tells its clients to connect anew now and then. */
import { once } from 'node:events';
import { connect } from 'node:http2';
import { expect, test } from 'vitest';
import { startTestServer } from './harness.ts';

test('a request may end its connection, but is answered', async () => {
  await using server = await startTestServer({ goawayChance: 1 });
  const { cert, key } = server.admin;
  const session = connect(`https://127.0.0.1:${server.port}`, { ca: server.authority.ca, cert, key });
  const goaway = once(session, 'goaway');
  const stream = session.request({ ':path': '/version' });
  const [headers] = await once(stream, 'response');
  expect(headers[':status']).toBe(200);
  stream.resume();
  const [code] = await goaway;
  expect(code).toBe(0);
  session.destroy();
});

test('a watch without a timeout ends after the least time and up to as long again', async () => {
  await using server = await startTestServer({ minRequestTimeoutMs: 200 });
  const answer = await server.http('GET', '/api/v1/namespaces/default/configmaps?watch=true');
  expect(answer.status).toBe(200);
});
