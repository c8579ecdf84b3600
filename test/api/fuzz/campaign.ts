/**
 * Sends cases to a server, a few at a time, and keeps what came of them: which kinds were reached, which answers came, what should not
 * have been. A case reached validation when a validator of its kind was called for the user of its connection.
 */
import { builtinResources } from '../../../src/api/kinds/index.ts';
import type { KubeObject, ResourceDefinition, Strategy, SubresourceDefinition } from '../../../src/api/index.ts';
import { decodeProtobuf } from '../../../src/api/protobuf/index.ts';
import { parseYaml } from '../../../src/api/yaml/index.ts';
import type { Logger } from '../../../src/base/index.ts';
import { type ExtensionFactory } from '../../../src/apiserver/index.ts';
import { startTestServer, testExtensions, type TestServer } from '../harness.ts';
import { goodObject, namesOf } from './good-objects.ts';
import { caseOf, type FuzzCase } from './cases.ts';
import { http1Lane, http2Lane, type Lane, type LaneAnswer } from './lanes.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** The first case; to begin where another run failed. */
  readonly from: number;
  readonly cases: number;
}

export interface CampaignResult {
  /** Cases of which a validator was asked. */
  readonly reached: number;
  /** The same by resource: how often it was reached, and how often something was done. */
  readonly byResource: ReadonlyMap<string, { readonly reached: number; readonly done: number }>;
  readonly byStatus: ReadonlyMap<number, number>;
  /** Everything that must not be, with the request. */
  readonly failures: readonly string[];
  /** The longest that a case took, and which. */
  readonly slowest: { readonly ms: number; readonly request: string };
}

const lanesOf = { http2: 14, http1: 2 };
/** There is no sense in collecting more. */
const maxFailures = 20;

export class Campaign implements AsyncDisposable {
  readonly server: TestServer;
  readonly #lanes: Lane[] = [];
  readonly #reached: Set<string>;
  readonly #complaints: string[];
  readonly #byResource = new Map<string, { reached: number; done: number }>();
  readonly #byStatus = new Map<number, number>();
  #failures: string[] = [];
  #slowest = { ms: 0, request: '' };
  #total = 0;

  private constructor(server: TestServer, seen: { readonly reached: Set<string>; readonly complaints: string[] }) {
    this.server = server;
    this.#reached = seen.reached;
    this.#complaints = seen.complaints;
    for (const definition of builtinResources) this.#byResource.set(labelOf(definition), { reached: 0, done: 0 });
  }

  static async start(): Promise<Campaign> {
    const reached = new Set<string>();
    const complaints: string[] = [];
    const server = await startTestServer({
      namespaces: ['default', 'other'],
      resources: builtinResources.map((definition) => observed(definition, reached)),
      log: complainer(complaints),
      extensions: extensions(),
    });
    const campaign = new Campaign(server, { reached, complaints });
    const { port, authority } = server;
    for (let i = 0; i < lanesOf.http2 + lanesOf.http1; i++) {
      const user = `lane-${i}`;
      const options = { user, port, ca: authority.ca, identity: await authority.client({ name: user, groups: ['system:masters'] }) };
      campaign.#lanes.push(i < lanesOf.http2 ? http2Lane(options) : http1Lane(options));
    }
    await campaign.#furnish();
    const pod = { metadata: { name: 'nowhere' }, spec: { containers: [{ name: 'x', image: 'i' }] } };
    await server.http('POST', '/api/v1/namespaces/default/pods', pod);
    return campaign;
  }

  /** Makes the objects that cases begin with. @throws when one of them is not good */
  async #furnish(): Promise<void> {
    for (const definition of builtinResources) {
      const object = goodObject(definition);
      const { group, version, plural, kind, namespaced, verbs } = definition;
      if (!object || !verbs.includes('update') || plural === 'events') continue;
      const root = group === '' ? '/api' : `/apis/${group}`;
      for (const namespace of namespaced ? ['/namespaces/default', '/namespaces/other'] : ['']) {
        for (const name of namesOf(plural)) {
          const answer = await this.server.http('POST', `${root}/${version}${namespace}/${plural}`, { metadata: { name }, ...object });
          if (answer.status !== 201 && answer.status !== 409) throw new Error(`${kind}: ${answer.text}`);
        }
      }
    }
  }

  /** Sends cases until all are answered or too much went wrong. */
  async run({ seed, from, cases }: CampaignOptions): Promise<CampaignResult> {
    let next = from;
    this.#failures = [];
    await Promise.all(
      this.#lanes.map(async (lane) => {
        while (next < from + cases && this.#failures.length < maxFailures) await this.#try(lane, seed, next++);
      }),
    );
    return {
      reached: this.#total,
      byResource: this.#byResource,
      byStatus: this.#byStatus,
      failures: this.#failures,
      slowest: this.#slowest,
    };
  }

  async #try(lane: Lane, seed: number, index: number): Promise<void> {
    const fuzzed = caseOf(builtinResources, seed, index);
    const startedMs = performance.now();
    this.#reached.delete(lane.user);
    const answer = await lane.send(fuzzed);
    const ms = performance.now() - startedMs;
    const described = (): string => `case ${index}: ${describe(fuzzed)} → ${answer.status} ${answer.bytes.toString('utf8', 0, 2_000)}`;
    if (ms > this.#slowest.ms) this.#slowest = { ms, request: described().slice(0, 500) };
    this.#byStatus.set(answer.status, (this.#byStatus.get(answer.status) ?? 0) + 1);
    const definition = builtinResources[index % builtinResources.length]!;
    const counted = this.#byResource.get(labelOf(definition))!;
    const isDone = fuzzed.method !== 'GET' && fuzzed.method !== 'HEAD' && answer.status >= 200 && answer.status < 300;
    if (isDone) counted.done++;
    // Reviews have no validator but their handler's own.
    const isReviewed =
      !definition.verbs.includes('list') &&
      (answer.status === 201 || (answer.status === 422 && !answer.bytes.includes('Options.meta.k8s.io')));
    if (this.#reached.has(lane.user) || isReviewed) {
      this.#total++;
      counted.reached++;
    }
    const fault = faultOf(fuzzed, answer);
    if (fault) this.#failures.push(`${fault}: ${described()}`);
    for (const complaint of this.#complaints.splice(0))
      this.#failures.push(`the server said ${complaint} about ${described()} or a case beside it`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lane of this.#lanes) lane.close();
    await this.server.close();
  }
}

/** As a cluster has them; kubelets are nowhere. */
function extensions(): ExtensionFactory[] {
  return testExtensions({
    subresources: {
      kubeletTls: () => ({ ca: '' }),
      signer: {
        issuer: 'https://issuer',
        audiences: ['https://issuer'],
        sign: (claims) => JSON.stringify(claims),
        publicKeys: { jwks: () => ({ keys: [] }), algorithms: ['RS256'] },
      },
    },
  });
}

function labelOf({ group, version, plural }: ResourceDefinition): string {
  return `${group === '' ? '' : `${group}/`}${version} ${plural}`;
}

/** The same resource, telling whose objects it validates. */
function observed(definition: ResourceDefinition, reached: Set<string>): ResourceDefinition {
  const { strategy } = definition;
  const observeUpdate =
    (validateUpdate: Strategy<KubeObject>['validateUpdate']): Strategy<KubeObject>['validateUpdate'] =>
    (object, old, ctx) => {
      reached.add(ctx.userName);
      return validateUpdate(object, old, ctx);
    };
  const subresources = definition.subresources.map((subresource): SubresourceDefinition => {
    const own = subresource.strategy;
    return own ? { ...subresource, strategy: { ...own, validateUpdate: observeUpdate(own.validateUpdate) } } : subresource;
  });
  return {
    ...definition,
    subresources,
    strategy: {
      ...strategy,
      validate: (object, ctx) => {
        reached.add(ctx.userName);
        return strategy.validate(object, ctx);
      },
      validateUpdate: observeUpdate(strategy.validateUpdate),
    },
  };
}

/** Keeps what a server says of itself when something is broken. */
function complainer(complaints: string[]): Logger {
  const keep = (message: string, fields?: { readonly err?: unknown }): void => {
    const { err } = fields ?? {};
    complaints.push(`"${message}" ${err instanceof Error ? (err.stack ?? err.message) : JSON.stringify(err ?? '')}`);
  };
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: (message, fields) => message.includes('answer') && keep(message, fields),
    error: keep,
    child: () => logger,
  };
  return logger;
}

function describe({ method, path, headers, body }: FuzzCase): string {
  const text =
    body === undefined
      ? ''
      : body.length > 6_000
        ? `${body.toString('latin1', 0, 6_000)} … of ${body.length} bytes`
        : body.toString('latin1');
  return `${method} ${path.slice(0, 3_000)} ${JSON.stringify(headers).slice(0, 1_000)} ${text}`;
}

/** What upstream answers with a 5xx too: a version that is still to come, and an eviction that it does not know how to decide. */
const upstreamsFailures = ['Too large resource version', 'This pod has more than one PodDisruptionBudget'];

/** What is wrong with an answer; undefined when nothing is. */
function faultOf(fuzzed: FuzzCase, { status, contentType, bytes }: LaneAnswer): string | undefined {
  if (status >= 500 && !upstreamsFailures.some((text) => bytes.includes(text))) return 'the server failed';
  // What HTTP itself refuses gets no answer of the API.
  if (status === 0) return isRefusedByHttp(fuzzed) ? undefined : 'there was no answer';
  if (fuzzed.method === 'HEAD' || fuzzed.isWatch) return undefined;
  if (status < 400) {
    if (contentType === 'application/json') JSON.parse(bytes.toString('utf8'));
    return undefined;
  }
  const document = statusOf(contentType, bytes);
  // Health says what it has to say as text.
  if (document === undefined) return undefined;
  if (document.kind !== 'Status' || document.status !== 'Failure' || document.code !== status) return 'a refusal is no Status';
  if (/\.ts:\d|\n\s+at |\bundefined\b|\[object |Cannot read prop/.test(withoutValues(document.message ?? '')))
    return 'a message tells of the inside';
  return undefined;
}

function isRefusedByHttp({ method, path, headers }: FuzzCase): boolean {
  return (
    method === 'TRACE' ||
    method === 'PROPFIND' ||
    method === 'CONNECT' ||
    !path.startsWith('/') ||
    /[^\x21-\x7e]/.test(path) ||
    'content-length' in headers
  );
}

/** A message quotes what was sent, which may say anything. */
function withoutValues(message: string): string {
  return message.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/Invalid value: .*?(?=, \w+(?:\.|\[|:)|$)/g, '');
}

interface Document {
  readonly kind?: string;
  readonly status?: string;
  readonly code?: number;
  readonly message?: string;
}

/** A refusal, in whatever encoding the client takes. */
function statusOf(contentType: string, bytes: Buffer): Document | undefined {
  switch (contentType) {
    case 'application/json':
      return JSON.parse(bytes.toString('utf8')) as Document;
    case 'application/yaml':
      return parseYaml(bytes).value as Document;
    case 'application/vnd.kubernetes.protobuf':
      return decodeProtobuf(bytes, 'io.k8s.apimachinery.pkg.apis.meta.v1.Status');
    default:
      return undefined;
  }
}
