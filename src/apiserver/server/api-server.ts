/**
 * Puts an API server together: cache over the store, registry over the cache, extensions around the registry, and the two ways in.
 * Knows no port until it is told to listen.
 */
import type { AddressInfo } from 'node:net';
import { assert, type Clock, type Logger, type Random, systemClock, systemRandom } from '../../base/index.ts';
import { featureEnabledByDefault, type ResourceDefinition } from '../../api/index.ts';
import type { Discovery, Transport } from '../../client/index.ts';
import type { Store } from '../../store/index.ts';
import type { AdmissionContext } from '../admission.ts';
import { type AuthenticationOptions, Authenticator } from '../auth/authenticator.ts';
import { mastersGroup } from '../auth/users.ts';
import { type Authorizer, noOpinion, privilegedGroups } from '../authorization/index.ts';
import { keepCompacting } from '../cache/compaction.ts';
import { ListReader } from '../cache/list-reader.ts';
import { WatchCache } from '../cache/watch-cache.ts';
import { WatchOpener } from '../cache/watch-opener.ts';
import type { EncryptedStore, EncryptionDeps } from '../encryption/index.ts';
import type { ApiServerExtension, ApiServerHost, ExtensionFactory, ResourceHooks } from '../extension.ts';
import { type FilterParts, inProcessFilters, networkFilters } from '../filters/index.ts';
import { AnswerWriter } from '../http/answer-writer.ts';
import { HttpFront } from '../http/http-front.ts';
import { type ListenAddress, Listener, type TlsFiles } from '../http/listener.ts';
import { AdmissionChain } from '../registry/admission-chain.ts';
import { EventLeases } from '../registry/event-leases.ts';
import { FieldManagement } from '../registry/managed-fields.ts';
import { leaseGuard } from '../registry/lease-guard.ts';
import { ObjectWriter } from '../registry/object-writer.ts';
import { isStored, ResourceTable } from '../registry/registry.ts';
import { Timestamps } from '../registry/timestamps.ts';
import { admissionRequest, joinHooks, type StorageDeps } from '../registry/storage-deps.ts';
import { Renderings } from '../rendering/renderings.ts';
import type { UserInfo } from '../request.ts';
import { createInProcessTransport } from '../transport/in-process-transport.ts';
import { cborGate } from '../verbs/body.ts';
import { CollectionUsages } from './collection-usages.ts';
import { EndpointTable } from './endpoint-table.ts';
import { ApiHandler } from './handler.ts';
import { UuidSource } from './uuid-source.ts';

export interface ApiServerConfig {
  readonly store: Store;
  /** Every resource that there is, such as `builtinResources`. */
  readonly resources: readonly ResourceDefinition[];
  /** Whether clients are served a resource; the server's own code works with all of them. Default: all. */
  readonly isServed?: (resource: ResourceDefinition) => boolean;
  readonly log: Logger;
  /** Needed to listen; a server without it is reached in-process only. */
  readonly tls?: TlsFiles;
  /** Who a request may come from, beside client certificates. Default: those and anonymous ones. */
  readonly authentication?: (host: ApiServerHost) => AuthenticationOptions | Promise<AuthenticationOptions>;
  readonly extensions?: readonly ExtensionFactory[];
  /** What is put before the store; its definitions are those that are stored. Undefined: objects are stored as they are. */
  readonly encrypt?: (store: Store, deps: Omit<EncryptionDeps, 'metrics'>) => EncryptedStore | undefined;
  /** How long events are kept. Default one hour. */
  readonly eventTtlSeconds?: number;
  /** How long a watch without a timeout goes on at least; `--min-request-timeout`, default half an hour. */
  readonly minRequestTimeoutMs?: number | undefined;
  /** How long a request may take that does not stay open by nature; `--request-timeout`, default a minute. */
  readonly requestTimeoutMs?: number | undefined;
  /** How probably a request tells its HTTP/2 client to connect anew; `--goaway-chance`, default never. */
  readonly goawayChance?: number | undefined;
  /** How long the past can be read at least; `--etcd-compaction-interval`, default five minutes. */
  readonly compactionIntervalMs?: number;
  /** Whether a feature gate is on. Default: as `featureEnabledByDefault` says. */
  readonly featureEnabled?: (gate: string) => boolean;
  /** Freeze objects that leave the decoder: for development and tests, where it shows who changes what is shared. */
  readonly freezeObjects?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
  /** The store is lost for good (disk failure, closed under us): the process should end. */
  readonly onStoreLost?: (error: Error) => void;
}

export interface ApiServer {
  /** @returns the address, with the port that was taken */
  listen(address: ListenAddress): Promise<AddressInfo>;
  /** A client's way in without socket and text, as this user. @param userAgent says by which program, for field managers and audit */
  transport(user: UserInfo, userAgent?: string): Transport;
  readonly host: ApiServerHost;
  /** Ends watches, finishes requests, then closes. The store stays open: it is the caller's. */
  close(): Promise<void>;
}

const defaultEventTtlSeconds = 3_600;
const defaultMinRequestTimeoutMs = 1_800_000;
const defaultCompactionIntervalMs = 300_000;
/** How long requests may take to finish when the server stops. */
const drainMs = 5_000;
/** How long clients may take to close their connections then. */
const hangUpMs = 500;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads the store into the cache and starts the extensions; listens nowhere yet. */
export async function createApiServer(config: ApiServerConfig): Promise<ApiServer> {
  const { log } = config;
  const clock = config.clock ?? systemClock;
  const random = config.random ?? systemRandom;
  const uuids = new UuidSource(random);
  const timestamps = new Timestamps(clock);
  const stop = new AbortController();
  const stored = config.resources.filter(isStored);
  const encrypted = config.encrypt?.(config.store, { definitions: stored, clock, random, log, signal: stop.signal });
  const store = encrypted ?? config.store;
  const cache = await WatchCache.open({
    store,
    clock,
    log,
    definitions: stored,
    freeze: config.freezeObjects,
    onLost: (error) => {
      log.error('the store is lost', { err: error });
      config.onStoreLost?.(error);
    },
  });
  const watches = new WatchOpener(cache, clock);
  const parts: { extensions: readonly ApiServerExtension[]; admission: AdmissionChain; hooks: ReadonlyMap<string, ResourceHooks> } = {
    extensions: [],
    admission: new AdmissionChain([]),
    hooks: new Map(),
  };
  const late: Pick<Writable<ApiServerHost>, 'authorize' | 'reviewToken'> = { authorize: () => noOpinion, reviewToken: () => undefined };
  const authorize: Authorizer = (user, access) => late.authorize(user, access);
  const admissionContext: { registry?: AdmissionContext['registry']; authorize: Authorizer; signal: AbortSignal } = {
    authorize,
    signal: stop.signal,
  };
  const lists = new ListReader(cache, store, clock);
  lists.onCompacted(await store.compactedRevision());
  const deps: StorageDeps = {
    cache,
    lists,
    writer: new ObjectWriter(store, cache, encrypted && ((storeKey) => encrypted.isCurrent(storeKey))),
    get admission() {
      return parts.admission;
    },
    // The registry is set below, before any request.
    admissionContext: admissionContext as AdmissionContext,
    hooks: (definition) => parts.hooks.get(resourceName(definition)),
    // The table is made below, before any request.
    fields: new FieldManagement(timestamps, (view) => table.versionsOf(view)),
    eventLeases: new EventLeases(store, clock, config.eventTtlSeconds ?? defaultEventTtlSeconds),
    clock,
    random,
    newUid: uuids.next,
    minWatchMs: config.minRequestTimeoutMs ?? defaultMinRequestTimeoutMs,
    timestamps,
    featureEnabled: config.featureEnabled ?? featureEnabledByDefault,
  };
  const table = new ResourceTable(config.resources, deps, config.isServed ?? (() => true));
  admissionContext.registry = table;
  const host = createHost({
    table,
    store,
    clock,
    random,
    log,
    signal: stop.signal,
    authorize,
    reviewToken: (token, audiences) => late.reviewToken(token, audiences),
    deps,
  });
  const extensions = (config.extensions ?? []).map((make) => make(host));
  parts.extensions = extensions;
  parts.admission = new AdmissionChain(extensions.flatMap(({ admission }) => admission ?? []));
  parts.hooks = hooksOf(extensions);
  const authenticator = new Authenticator({ ...(await config.authentication?.(host)), clock });
  late.reviewToken = (token, audiences) => authenticator.review(token, audiences);
  late.authorize = extensions.find(({ authorizer }) => authorizer !== undefined)?.authorizer ?? privilegedGroups(mastersGroup);
  const handler = new ApiHandler({
    deps,
    table,
    watches,
    endpoints: new EndpointTable(extensions.flatMap(({ endpoints }) => endpoints ?? [])),
    subresources: Object.assign({}, ...extensions.map(({ subresources }) => subresources)),
    checkFence: (fence) => void leaseGuard(cache, fence),
  });
  const filters: FilterParts = {
    authenticator,
    authorize,
    auditor: extensions.find(({ auditor }) => auditor !== undefined)?.auditor,
    flowControl: extensions.find(({ flowControl }) => flowControl !== undefined)?.flowControl,
    handle: (call) => handler.answer(call),
  };
  const front = new HttpFront({
    answer: networkFilters(filters),
    nextAuditId: uuids.next,
    writer: new AnswerWriter({
      renderings: new Renderings(clock, extensions.find(({ tables }) => tables !== undefined)?.tables),
      clock,
      cbor: deps.featureEnabled(cborGate),
    }),
    clock,
    log,
    requestTimeoutMs: config.requestTimeoutMs,
    observers: extensions.flatMap(({ observeRequest }) => observeRequest ?? []),
  });
  for (const extension of extensions) await extension.start?.();
  void keepCompacting({
    store,
    clock,
    log,
    intervalMs: config.compactionIntervalMs ?? defaultCompactionIntervalMs,
    onCompacted: (revision) => lists.onCompacted(revision),
    signal: stop.signal,
  });
  const answerInProcess = inProcessFilters(filters);
  const listeners: Listener[] = [];
  return {
    host,
    listen: (address) => {
      assert(config.tls, 'an API server listens only with TLS');
      const listener = new Listener({
        tls: config.tls,
        log,
        clock,
        random,
        goawayChance: config.goawayChance ?? 0,
        serve: (exchange) => front.serve(exchange),
      });
      listeners.push(listener);
      return listener.listen(address);
    },
    transport: (user, userAgent) =>
      createInProcessTransport({
        answer: answerInProcess,
        nextAuditId: uuids.next,
        user,
        userAgent,
        clock,
        log,
        signal: stop.signal,
        discover: () => discoveryOf(table.definitions),
      }),
    close: async () => {
      for (const listener of listeners) listener.drain();
      stop.abort();
      watches.close();
      cache.close();
      await within(clock, drainMs, front.whenIdle());
      await within(clock, hangUpMs, Promise.all(listeners.map((listener) => listener.finish())));
      for (const listener of listeners) listener.destroy();
    },
  };
}

/** Waits for `work`, but no longer than `limitMs`. */
async function within(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  using _limit = clock.setTimer(limitMs, late.resolve);
  await Promise.race([work, late.promise]);
}

function createHost(
  parts: Omit<ApiServerHost, 'registry' | 'admit' | 'usage'> & { readonly table: ResourceTable; readonly deps: StorageDeps },
): ApiServerHost {
  const { table, store, clock, random, log, signal, authorize, reviewToken, deps } = parts;
  const usages = new CollectionUsages(table);
  return {
    registry: table,
    store,
    clock,
    random,
    log,
    signal,
    authorize,
    reviewToken,
    usage: (group, resource) => usages.of(group, resource),
    admit: async (request) => {
      const view = table.view(request.resource);
      assert(view, `${request.resource.plural} is not stored`);
      const { operation, subresource, namespace, name, object, oldObject, options = {}, op } = request;
      const admitting = admissionRequest(view, operation, { subresource, namespace, name, object, oldObject, options }, op);
      await deps.admission.mutate(admitting, deps.admissionContext);
      await deps.admission.validate(admitting, deps.admissionContext);
    },
  };
}

function resourceName({ group, plural }: { readonly group: string; readonly plural: string }): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function hooksOf(extensions: readonly ApiServerExtension[]): ReadonlyMap<string, ResourceHooks> {
  const all = new Map<string, ResourceHooks[]>();
  for (const { hooks } of extensions) {
    for (const [name, hook] of Object.entries(hooks ?? {})) {
      // The registry hands each hook only objects of its own resource.
      const own = hook as unknown as ResourceHooks;
      const known = all.get(name);
      if (known) known.push(own);
      else all.set(name, [own]);
    }
  }
  return new Map([...all].map(([name, list]) => [name, joinHooks(list)!]));
}

function discoveryOf(definitions: readonly ResourceDefinition[]): Discovery {
  const preferred = new Map<string, string>();
  for (const { group, version } of definitions) if (!preferred.has(group)) preferred.set(group, version);
  return {
    resources: definitions.map(({ group, version, kind, plural, namespaced, verbs }) => ({
      ref: { group, version, kind, plural, namespaced },
      verbs,
      preferred: preferred.get(group) === version,
    })),
    failures: [],
  };
}
