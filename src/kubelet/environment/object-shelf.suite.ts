/**
 * An API server as small as the tests of volumes and environments need: objects on a shelf, read, listed and watched over the real
 * client. It holds no rules; the API server's own tests are elsewhere.
 */
import { isApiError, type JsonObject, type KubeObject, notFound, type ResourceRef } from '../../api/index.ts';
import { type Client, createClient, type ResourceRequest, type Transport, type WatchEvent, type WatchRequest } from '../../client/index.ts';

/** An object as a test writes it. */
export interface ShelvedObject {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

interface Watcher {
  readonly matches: (plural: string, object: KubeObject) => boolean;
  readonly events: WatchEvent[];
  wake: () => void;
}

export class ObjectShelf {
  readonly #objects = new Map<string, { readonly plural: string; readonly object: KubeObject }>();
  readonly #watchers = new Set<Watcher>();
  #revision = 1;
  /** What was asked for, such as `get secrets ns/a`. */
  readonly calls: string[] = [];
  /** Answers `create …/token` and the like; may throw. */
  subresource: (request: ResourceRequest) => JsonObject = () => ({});
  /** While set, every request and watch fails with it. */
  outage: Error | undefined;

  readonly client: Client = createClient({
    request: (request) => this.#request(request),
    watch: (request) => this.#watch(request),
    close: () => Promise.resolve(),
  } satisfies Transport);

  /** How many watches are open. */
  get watches(): number {
    return this.#watchers.size;
  }

  put(resource: ResourceRef, object: ShelvedObject): void {
    const { namespace = '', name } = object.metadata;
    const key = `${resource.plural}/${namespace}/${name}`;
    const stored = {
      apiVersion: resource.version,
      kind: resource.kind,
      ...object,
      metadata: { uid: key, ...object.metadata, resourceVersion: String(++this.#revision) },
    } as unknown as KubeObject;
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED';
    this.#objects.set(key, { plural: resource.plural, object: stored });
    this.#tell(resource.plural, { type, object: stored });
  }

  remove(resource: ResourceRef, namespace: string, name: string): void {
    const key = `${resource.plural}/${namespace}/${name}`;
    const { object } = this.#objects.get(key)!;
    this.#objects.delete(key);
    this.#revision += 1;
    this.#tell(resource.plural, { type: 'DELETED', object });
  }

  #tell(plural: string, event: WatchEvent): void {
    for (const watcher of this.#watchers) {
      if (!watcher.matches(plural, event.object)) continue;
      watcher.events.push(event);
      watcher.wake();
    }
  }

  #request(request: ResourceRequest): Promise<JsonObject> {
    const { verb, resource, namespace = '', name = '', subresource } = request;
    this.calls.push(
      `${verb} ${resource.plural}${subresource ? `/${subresource}` : ''} ${namespace}/${name || String(request.query?.['fieldSelector'] ?? '')}`,
    );
    if (this.outage) return Promise.reject(this.outage);
    try {
      if (subresource) return Promise.resolve(this.subresource(request));
      if (verb === 'list') {
        const items = this.#select(request);
        return Promise.resolve({
          apiVersion: 'v1',
          kind: 'List',
          metadata: { resourceVersion: String(this.#revision) },
          items,
        } as unknown as JsonObject);
      }
      const found = this.#objects.get(`${resource.plural}/${namespace}/${name}`);
      if (!found) throw notFound({ group: resource.group, resource: resource.plural, name });
      return Promise.resolve(found.object as unknown as JsonObject);
    } catch (error) {
      return Promise.reject(isApiError(error) || error instanceof Error ? error : new Error(String(error)));
    }
  }

  #select({ resource, namespace, query }: Pick<WatchRequest, 'resource' | 'namespace' | 'query'>): KubeObject[] {
    const matches = matcher(resource, namespace, query);
    return [...this.#objects.values()].filter(({ plural, object }) => matches(plural, object)).map(({ object }) => object);
  }

  async *#watch(request: WatchRequest): AsyncGenerator<WatchEvent[]> {
    if (this.outage) throw this.outage;
    const { query, signal } = request;
    const watcher: Watcher = { matches: matcher(request.resource, request.namespace, query), events: [], wake: () => {} };
    this.#watchers.add(watcher);
    const onAbort = (): void => watcher.wake();
    signal.addEventListener('abort', onAbort);
    try {
      if (query?.['sendInitialEvents']) {
        watcher.events.push(...this.#select(request).map((object): WatchEvent => ({ type: 'ADDED', object })));
        const metadata = { name: '', resourceVersion: String(this.#revision), annotations: { 'k8s.io/initial-events-end': 'true' } };
        watcher.events.push({
          type: 'BOOKMARK',
          object: { apiVersion: 'v1', kind: request.resource.kind, metadata } as unknown as KubeObject,
        });
      }
      while (!signal.aborted) {
        if (watcher.events.length > 0) yield watcher.events.splice(0);
        else await new Promise<void>((resolve) => (watcher.wake = resolve));
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener('abort', onAbort);
    }
  }
}

function matcher(resource: ResourceRef, namespace: string | undefined, query: WatchRequest['query']): Watcher['matches'] {
  const name = /^metadata\.name=(.*)$/.exec(String(query?.['fieldSelector'] ?? ''))?.[1];
  return (plural, { metadata }) =>
    plural === resource.plural &&
    (namespace === undefined || metadata.namespace === namespace) &&
    (name === undefined || metadata.name === name);
}
