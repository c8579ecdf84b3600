/**
 * Cluster DNS on one node: this thread watches the cluster, a worker thread answers. What changes travels, one Service, slice, namespace or
 * pod at a time; changes that come together travel together. A worker that fails, or does not say that it is alive, is started again and
 * told everything anew.
 */
import { Worker } from 'node:worker_threads';
import { type corev1, corev1Resources, discoveryv1Resources, type KubeObject } from '../api/index.ts';
import { backoffMs, type Clock, type Ctx, type Logger, type TaskGroup, type Timer } from '../base/index.ts';
import { type Informer, type InformerFactory, untilAborted } from '../client/index.ts';
import {
  type CatalogDelta,
  type Delta,
  type NamespaceEntry,
  podEntry,
  type PodEntry,
  serviceEntry,
  type ServiceEntry,
  sliceEntry,
  type SliceEntry,
} from './catalog/entries.ts';
import { CorefileFault } from './corefile/corefile-fault.ts';
import { type CorefileConfig, readCorefile } from './corefile/config.ts';
import { corefileMap, defaultCorefile } from './corefile/index.ts';
import type { DnsWorkerCommand, DnsWorkerData, DnsWorkerNotice } from './dns-worker.ts';

export interface ClusterDnsConfig {
  /** Of the node; DNS listens there. */
  readonly addresses: readonly string[];
  /** Where port 53 of the Corefile is: its other ports lie as far from it. */
  readonly port: number;
  readonly domain: string;
  /** The node's resolvers, for `forward . /etc/resolv.conf`. */
  readonly upstreams: readonly string[];
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly group: TaskGroup;
  /** The program of the thread that answers; default: `dns-worker`. */
  readonly worker?: URL;
}

const gatherMs = 20;
const resolverPort = 53;
/** A Corefile that does not come in this time is waited for no longer; DNS starts with the usual one. */
const corefileWaitMs = 3000;
const pingMs = 5000;
/** Pings without an answer after which a worker counts as stuck. */
const maxMissedPings = 3;
/** How many more a worker may miss while it starts, which takes long on a machine that is busy. */
const missedWhileStarting = 9;
const restartPolicy = { initialMs: 100, maxMs: 10_000 };
/** A worker that holds a catalog and some queries needs little; the limit keeps a leak from eating the node. */
const workerLimits = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 256 };

/** Starts it; runs until the group closes. */
export function startClusterDns(config: ClusterDnsConfig): void {
  const { group, clock } = config;
  const dns = new ClusterDns(config);
  group.spawn('cluster DNS', async (ctx) => {
    await dns.ready(ctx);
    for (let failures = 0; ; failures++) {
      await dns.serve(ctx);
      ctx.signal.throwIfAborted();
      await clock.sleep(backoffMs(restartPolicy, Math.min(failures, 10)), ctx.signal);
    }
  });
}

class ClusterDns {
  readonly #config: ClusterDnsConfig;
  readonly #configMaps: Informer<corev1.ConfigMap>;
  readonly #watches: {
    readonly services: Watch<ServiceEntry>;
    readonly slices: Watch<SliceEntry>;
    readonly namespaces: Watch<NamespaceEntry>;
  };
  #pods: Watch<PodEntry> | undefined;
  #corefile: string;
  #wanted = { labels: false, pods: false };
  #send: ((command: DnsWorkerCommand) => void) | undefined;
  #gathering: Timer | undefined;

  constructor(config: ClusterDnsConfig) {
    this.#config = config;
    const { informers, domain, group } = config;
    this.#corefile = defaultCorefile(domain);
    const changed = (): void => this.#changed();
    const labels = (): boolean => this.#wanted.labels;
    this.#watches = {
      services: watch({
        informer: informers.informer(corev1Resources.services),
        entryOf: (each) => serviceEntry(each, { labels: labels() }),
        changed,
      }),
      slices: watch({ informer: informers.informer(discoveryv1Resources.endpointslices), entryOf: sliceEntry, changed }),
      namespaces: watch({
        informer: informers.informer(corev1Resources.namespaces, { metadataOnly: true }),
        entryOf: ({ metadata }) => ({ name: metadata.name, ...(labels() && metadata.labels && { labels: metadata.labels }) }),
        changed,
      }),
    };
    const { namespace, name } = corefileMap;
    this.#configMaps = informers.informer(corev1Resources.configmaps, { namespace, fieldSelector: `metadata.name=${name}` });
    group.signal.addEventListener('abort', () => this.#gathering?.cancel(), { once: true });
    informers.start();
  }

  /** Resolves when the cluster is known. */
  async ready({ signal, log }: Ctx): Promise<void> {
    const { clock } = this.#config;
    await Promise.all(Object.values(this.#watches).map((each) => each.whenSynced(signal)));
    await Promise.race([this.#configMaps.whenSynced(signal), clock.sleep(corefileWaitMs, signal)]);
    const read = (object: corev1.ConfigMap | undefined): void => this.#configure(object, log);
    this.#configMaps.addHandler({ added: read, updated: (_old, current) => read(current), deleted: () => read(undefined) });
  }

  /** Runs one worker until it ends by itself, or the signal aborts. */
  async serve({ signal, log }: Ctx): Promise<void> {
    const { addresses, port, upstreams } = this.#config;
    const nodeResolvers = upstreams.map((address) => ({ address, port: resolverPort }));
    const data: DnsWorkerData = { addresses, port, corefile: this.#corefile, nodeResolvers };
    const file = import.meta.url.endsWith('.ts') ? './dns-worker.ts' : './dns-worker.js';
    const worker = new Worker(this.#config.worker ?? new URL(file, import.meta.url), {
      workerData: data,
      name: 'dns',
      resourceLimits: workerLimits,
    });
    const ended = new Promise<void>((resolve) => {
      worker.once('error', (err) => log.error('the DNS thread failed', { err }));
      worker.once('exit', () => resolve());
    });
    let missed = -missedWhileStarting;
    worker.on('message', (notice: DnsWorkerNotice) => {
      missed = 0;
      if (notice.type === 'listening') log.info('cluster DNS answers', { addresses, port: notice.port });
    });
    this.#send = (command) => worker.postMessage(command);
    this.#send({ type: 'catalog', delta: this.#everything() });
    const life = new AbortController();
    const watching = this.#watchLife(life.signal, () => {
      if (missed++ < maxMissedPings) return worker.postMessage({ type: 'ping' } satisfies DnsWorkerCommand);
      log.error('the DNS thread is stuck and is started again');
      void worker.terminate();
    });
    try {
      await untilAborted(ended, signal);
    } finally {
      this.#send = undefined;
      life.abort();
      await watching;
      await worker.terminate();
    }
  }

  async #watchLife(signal: AbortSignal, beat: () => void): Promise<void> {
    while (!signal.aborted) {
      await this.#config.clock.sleep(pingMs, signal).catch(() => {});
      if (!signal.aborted) beat();
    }
  }

  #configure(object: corev1.ConfigMap | undefined, log: Logger): void {
    const text = object?.data?.[corefileMap.key] ?? defaultCorefile(this.#config.domain);
    if (text === this.#corefile && this.#send) return;
    let config: CorefileConfig;
    try {
      config = readCorefile(text);
    } catch (err) {
      if (!(err instanceof CorefileFault)) throw err;
      log.error('cannot use the Corefile; the one before stays', { fault: err.message });
      return;
    }
    this.#corefile = text;
    const blocks = config.blocks.flatMap(({ kubernetes }) => kubernetes);
    const wanted = {
      labels: blocks.some(({ labels, namespaceLabels }) => (labels ?? namespaceLabels) !== undefined),
      pods: blocks.some(({ pods }) => pods === 'verified'),
    };
    const more = wanted.labels !== this.#wanted.labels || wanted.pods !== this.#wanted.pods;
    this.#wanted = wanted;
    this.#watchPods(wanted.pods);
    this.#send?.({ type: 'corefile', text });
    if (more) this.#send?.({ type: 'catalog', delta: this.#everything() });
  }

  #watchPods(wanted: boolean): void {
    if (!wanted || this.#pods) return;
    const { informers } = this.#config;
    this.#pods = watch({ informer: informers.informer(corev1Resources.pods), entryOf: podEntry, changed: () => this.#changed() });
    informers.start();
  }

  #changed(): void {
    this.#gathering ??= this.#config.clock.setTimer(gatherMs, () => {
      this.#gathering = undefined;
      this.#send?.({ type: 'catalog', delta: this.#delta('changes') });
    });
  }

  #everything(): CatalogDelta {
    return { ...this.#delta('all'), reset: true };
  }

  #delta(which: 'all' | 'changes'): CatalogDelta {
    const { services, slices, namespaces } = this.#watches;
    const pods = this.#pods?.[which]() ?? { put: [], gone: [] };
    return { reset: false, services: services[which](), slices: slices[which](), namespaces: namespaces[which](), pods };
  }
}

/** The changes of one resource, gathered. */
interface Watch<Entry> {
  whenSynced(signal: AbortSignal): Promise<void>;
  all(): Delta<Entry>;
  changes(): Delta<Entry>;
}

interface WatchOptions<T extends KubeObject, Entry> {
  readonly informer: Informer<T>;
  /** Undefined for what has no place in DNS. */
  readonly entryOf: (object: T) => Entry | undefined;
  readonly changed: () => void;
}

function watch<T extends KubeObject, Entry>({ informer, entryOf, changed }: WatchOptions<T, Entry>): Watch<Entry> {
  const gathered = new Map<string, T | undefined>();
  const note = (object: T, now: T | undefined): void => {
    gathered.set(keyOf(object), now);
    changed();
  };
  informer.addHandler({
    added: (object) => note(object, object),
    updated: (_old, object) => note(object, object),
    deleted: (object) => note(object, undefined),
  });
  const read = (changes: readonly (readonly [string, T | undefined])[]): Delta<Entry> => {
    const put: Entry[] = [];
    const gone: string[] = [];
    for (const [key, object] of changes) {
      const entry = object && entryOf(object);
      // What lost its place in DNS is gone from it.
      if (entry === undefined) gone.push(key);
      else put.push(entry);
    }
    return { put, gone };
  };
  return {
    whenSynced: (signal) => informer.whenSynced(signal),
    all: () => {
      gathered.clear();
      return read(informer.list().map((object) => [keyOf(object), object] as const));
    },
    changes: () => {
      const changes = [...gathered];
      gathered.clear();
      return read(changes);
    },
  };
}

function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
}
