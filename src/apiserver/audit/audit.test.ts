import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Registry, seededRandom, silentLogger, VirtualClock } from '../../base/index.ts';
import { OutgoingError } from '../outgoing/index.ts';
import { parseRequestInfo } from '../routing/request-info.ts';
import { AuditErrors } from './audit-errors.ts';
import { BatchQueue } from './batch-queue.ts';
import { type AuditEvent, eventJson, eventLine } from './event.ts';
import { AuditPolicy } from './policy.ts';
import { RotatingFile } from './rotating-file.ts';
import { truncating } from './sinks.ts';
import { WebhookSink } from './webhook-sink.ts';

const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
const jane = { name: 'jane', groups: ['dev', 'system:authenticated'] };

describe('a policy', () => {
  const levelOf = (rules: string, request: string, user: typeof jane | undefined = jane): string => {
    const [method = '', target = ''] = request.split(' ');
    return AuditPolicy.parse(`${head}rules:\n${rules}`, 'p').decide(user, parseRequestInfo(method, target)).level;
  };
  const secret = 'GET /api/v1/namespaces/x/secrets/s';

  test.each<[string, string, string]>([
    ['- level: None\n  users: [jane]\n- level: Metadata', secret, 'None'],
    ['- level: None\n  users: [john]\n- level: Metadata', secret, 'Metadata'],
    ['- level: Request\n  userGroups: [dev]', secret, 'Request'],
    ['- level: Request\n  verbs: [list]', secret, 'None'],
    ['- level: Request\n  namespaces: [x]', secret, 'Request'],
    ['- level: Request\n  namespaces: [""]', 'GET /api/v1/nodes', 'Request'],
    ['- level: Request\n  namespaces: [other]', secret, 'None'],
    ['- level: Request\n  resources: [{group: "", resources: [secrets]}]', secret, 'Request'],
    ['- level: Request\n  resources: [{group: "", resources: [secrets], resourceNames: [other]}]', secret, 'None'],
    ['- level: Request\n  resources: [{group: apps}]', 'GET /apis/apps/v1/deployments', 'Request'],
    ['- level: Request\n  resources: [{group: "", resources: [pods]}]', 'GET /api/v1/namespaces/x/pods/p/log', 'None'],
    ['- level: Request\n  resources: [{group: "", resources: ["pods/*"]}]', 'GET /api/v1/namespaces/x/pods/p/log', 'Request'],
    ['- level: Request\n  resources: [{group: "", resources: ["*/log"]}]', 'GET /api/v1/namespaces/x/pods/p/log', 'Request'],
    ['- level: Request\n  nonResourceURLs: ["/health*"]', 'GET /healthz', 'Request'],
    ['- level: Request\n  nonResourceURLs: ["/version"]', 'GET /healthz', 'None'],
  ])('%j gives %s the level %s', (rules, request, level) => {
    expect(levelOf(rules, request)).toBe(level);
  });

  test('says of every rule what must not be written', () => {
    const text = `${head}omitStages: [RequestReceived]\nomitManagedFields: true\nrules: [{level: Metadata, omitStages: [Panic], omitManagedFields: false}]`;
    const verdict = AuditPolicy.parse(text, 'p').decide(undefined, parseRequestInfo('GET', '/version'));
    expect([...verdict.omitStages]).toEqual(['RequestReceived', 'Panic']);
    expect(verdict.omitManagedFields).toBe(false);
  });

  test.each<[string, string]>([
    [`${head}rules: []`, 'loaded illegal policy with 0 rules from file p'],
    ['apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]', 'unknown group version field "audit.k8s.io/v1beta1"'],
    ['a: [', 'failed decoding file p'],
    [`${head}rules: [{level: None, namespaces: [1]}]`, '1 is no text'],
    [`${head}rules: [{level: None, users: jane}]`, '"jane" is no list'],
    [`${head}rules: [{}]`, 'rules[0].level: Required value'],
    [`${head}rules: [{level: All}]`, 'rules[0].level: Unsupported value: "All"'],
    [`${head}rules: [{level: None, nonResourceURLs: [x]}]`, `non-resource URL rules must begin with a '/' character`],
    [`${head}omitStages: [Panic, Later]\nrules: [{level: None}]`, 'omitStages[1]: Invalid value: "Later": allowed stages are'],
    [`${head}rules: [{level: None, omitStages: [Later]}]`, 'allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic'],
    [
      `${head}rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]`,
      'rules cannot apply to both regular resources and non-resource URLs',
    ],
    [`${head}rules: [{level: None, resources: [{group: apps/v1}]}]`, 'rules[0].resources.group: Invalid value: "apps/v1"'],
  ])('%j is refused', (text, message) => {
    expect(() => AuditPolicy.parse(text, 'p')).toThrow(message);
  });
});

const event: AuditEvent = {
  level: 'RequestResponse',
  auditID: 'id-1',
  stage: 'ResponseComplete',
  requestURI: '/api/v1/namespaces/x/configmaps?a=b',
  verb: 'create',
  user: { ...jane, uid: '7' },
  impersonatedUser: undefined,
  sourceIPs: ['10.0.0.1'],
  userAgent: 'kubectl/v1.35',
  objectRef: { resource: 'configmaps', namespace: 'x', name: 'c', apiGroup: '', apiVersion: 'v1', subresource: '' },
  responseStatus: { metadata: {}, code: 201 },
  requestObject: '{"a":1}',
  responseObject: '{"b":2}',
  receivedMs: Date.UTC(2026, 0, 1),
  stageMs: Date.UTC(2026, 0, 1, 0, 0, 1),
  annotations: new Map([
    ['b', '2'],
    ['a', '1'],
  ]),
};

test('an event is JSON with its fields in order', () => {
  expect(eventJson(event)).toBe(
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"id-1","stage":"ResponseComplete",' +
      '"requestURI":"/api/v1/namespaces/x/configmaps?a=b","verb":"create",' +
      '"user":{"username":"jane","uid":"7","groups":["dev","system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"kubectl/v1.35",' +
      '"objectRef":{"resource":"configmaps","namespace":"x","name":"c","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":201},' +
      '"requestObject":{"a":1},"responseObject":{"b":2},"requestReceivedTimestamp":"2026-01-01T00:00:00.000000Z",' +
      '"stageTimestamp":"2026-01-01T00:00:01.000000Z","annotations":{"a":"1","b":"2"}}',
  );
});

test('an event is one line in the old format', () => {
  expect(eventLine(event)).toMatch(
    /^2026-01-01T00:00:00\.000000Z AUDIT: id="id-1" stage="ResponseComplete" ip="10\.0\.0\.1" method="create" /,
  );
  expect(eventLine({ ...event, responseStatus: undefined })).toMatch(/response="<deferred>"$/);
});

test('an event that is too large loses its bodies and says so', () => {
  const seen: AuditEvent[] = [];
  const sink = truncating({ process: (one) => void seen.push(one), close: () => Promise.resolve() }, 1_000);
  sink.process(event);
  sink.process({ ...event, requestObject: JSON.stringify('x'.repeat(2_000)) });
  expect(seen.map(({ requestObject, annotations }) => [requestObject, annotations?.get('audit.k8s.io/truncated')])).toEqual([
    ['{"a":1}', undefined],
    [undefined, 'true'],
  ]);
});

describe('a batch queue', () => {
  const queueOf = (
    options: Partial<ConstructorParameters<typeof BatchQueue>[0]>,
  ): { clock: VirtualClock; sizes: number[]; dropped: number[]; queue: BatchQueue } => {
    const clock = new VirtualClock(0);
    const [sizes, dropped]: [number[], number[]] = [[], []];
    const queue = new BatchQueue(
      { bufferSize: 10, maxBatchSize: 4, maxWaitMs: 1_000, throttle: undefined, ...options },
      { clock, send: (batch) => Promise.resolve(void sizes.push(batch.length)), onDropped: (count) => dropped.push(count) },
    );
    return { clock, sizes, dropped, queue };
  };

  test('sends when a batch is full, or when the first has waited long enough', async () => {
    const { clock, sizes, queue } = queueOf({});
    for (let i = 0; i < 5; i++) queue.add(event);
    await clock.advance(0);
    expect(sizes).toEqual([4, 1]);
    queue.add(event);
    await clock.advance(999);
    expect(sizes).toEqual([4, 1]);
    await clock.advance(1);
    expect(sizes).toEqual([4, 1, 1]);
  });

  test('drops what does not fit', async () => {
    const { clock, dropped, queue, sizes } = queueOf({ bufferSize: 3, maxBatchSize: 10 });
    for (let i = 0; i < 5; i++) queue.add(event);
    expect(dropped).toEqual([1, 1]);
    await queue.close(0);
    await clock.advance(0);
    expect(sizes).toEqual([3]);
  });

  test('sends no more than it may', async () => {
    const { clock, sizes, queue } = queueOf({ maxBatchSize: 1, throttle: { perSecond: 1, burst: 2 } });
    for (let i = 0; i < 5; i++) queue.add(event);
    await clock.advance(0);
    expect(sizes).toHaveLength(2);
    await clock.advance(1_000);
    expect(sizes).toHaveLength(3);
  });
});

test('a webhook is asked again, and what it never takes is counted', async () => {
  const clock = new VirtualClock(0);
  const metrics = new Registry();
  const bodies: string[] = [];
  let failures = 2;
  const sink = new WebhookSink(
    { mode: 'batch', initialBackoffMs: 100, batch: { bufferSize: 10, maxBatchSize: 1, maxWaitMs: 0, throttle: undefined } },
    {
      post: (body) => {
        if (failures-- > 0) return Promise.reject(new OutgoingError('no'));
        bodies.push(body);
        return Promise.resolve();
      },
      clock,
      random: seededRandom(1),
      log: silentLogger,
      errors: new AuditErrors(metrics),
    },
  );
  sink.process(event);
  await clock.advance(1_000);
  const items = (JSON.parse(bodies[0]!) as { items: { auditID: string }[] }).items;
  expect(items.map(({ auditID }) => auditID)).toEqual(['id-1']);
  failures = Infinity;
  sink.process(event);
  await clock.advance(10_000);
  expect(await metrics.getSingleMetricAsString('apiserver_audit_error_total')).toContain('{plugin="webhook"} 1');
  await sink.close();
});

describe('a rotating file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kn-audit-'));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('is set aside when it has grown, and old ones go', async () => {
    const clock = new VirtualClock();
    const file = new RotatingFile(join(directory, 'audit.log'), { maxAgeDays: 2, maxBackups: 2, maxSizeMib: 1 }, clock);
    const line = `${'x'.repeat(700_000)}\n`;
    for (let i = 0; i < 5; i++) {
      file.write(line);
      await clock.advance(60_000);
    }
    expect(readdirSync(directory).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'audit-2026-01-01T00-03-00.000.log',
      'audit-2026-01-01T00-04-00.000.log',
      'audit.log',
    ]);
    await clock.advance(3 * 86_400_000);
    file.write(line);
    file.close();
    expect(readdirSync(directory)).toHaveLength(2);
    expect(readFileSync(join(directory, 'audit.log'), 'utf8')).toBe(line);
  });
});
