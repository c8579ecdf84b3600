/**
 * Whatever comes, the answer is an answer of the API and never a 5xx, and what is stored stays readable. The seed is fixed, so that
 * a run tells of the code and not of luck; long runs take a seed of the hour.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FuzzedRequest, fuzzedRequests, fuzzedResources } from './fuzzed-requests.ts';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer } from './raw-http.ts';
import { decodeProtobuf } from '../../src/api/protobuf/index.ts';
import { parseYaml } from '../../src/api/yaml/index.ts';

const isLong = process.env['KNARR_TEST_LONG'] === '1';
const runs = isLong ? 60_000 : 1_500;
const seed = isLong ? Math.floor(Date.now() / 3_600_000) : 42;
/** Requests that are under way at the same time. */
const batch = 25;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ namespaces: ['default', 'other'] });
});
afterAll(() => server.close());

/** How many requests were answered with each status. */
const answered = new Map<number, number>();

async function check({ method, path, body, headers }: FuzzedRequest): Promise<void> {
  const answer = await server.http(method, path, body, { headers });
  const { status, text } = answer;
  const described = `${method} ${path} ${JSON.stringify(headers)} ${body ?? ''} → ${status} ${text}`;
  answered.set(status, (answered.get(status) ?? 0) + 1);
  const fails = (what: string): never => {
    throw new Error(`${what}: ${described}`);
  };
  // A version that is still to come is the one thing that is worth waiting for.
  if (status >= 500 && !text.includes('Too large resource version')) fails('the server failed');
  if (method === 'HEAD') return;
  if (answer.headers['content-type'] === 'application/json') JSON.parse(text);
  if (status < 400) return;
  const document = statusOf(answer);
  if (document.kind !== 'Status' || document.status !== 'Failure' || document.code !== status) fails('a refusal is no Status');
  if (/\.ts:\d|\n\s+at |undefined|\[object /.test(document.message ?? '')) fails('a message tells of the inside');
}

interface Document {
  readonly kind?: string;
  readonly status?: string;
  readonly code?: number;
  readonly message?: string;
}

/** A refusal, in whatever encoding the client takes. */
function statusOf({ headers, bytes, text }: HttpAnswer): Document {
  switch (headers['content-type']) {
    case 'application/json':
      return JSON.parse(text) as Document;
    case 'application/yaml':
      return parseYaml(bytes).value as Document;
    case 'application/vnd.kubernetes.protobuf':
      return decodeProtobuf(bytes, 'io.k8s.apimachinery.pkg.apis.meta.v1.Status');
    default:
      return {};
  }
}

test(
  'no request at random fails the server, and everything that it stored can be read',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fuzzedRequests, { minLength: batch, maxLength: batch }), async (several) => {
        await Promise.all(several.map(check));
      }),
      { seed, numRuns: runs / batch, endOnFailure: true },
    );
    let kept = 0;
    for (const [path] of fuzzedResources) {
      const list = await server.http('GET', path);
      for (const item of list.json.items as { metadata: { name: string } }[]) {
        expect((await server.http('GET', `${path}/${item.metadata.name}`)).json).toMatchObject(item);
        kept++;
      }
    }
    expect(kept).toBeGreaterThan(10);
    // Enough of them got through, and enough did not.
    expect([200, 201, 400, 404, 409, 422].filter((status) => (answered.get(status) ?? 0) < 5)).toEqual([]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  },
  isLong ? 1_800_000 : 60_000,
);
