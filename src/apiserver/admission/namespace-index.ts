/**
 * The objects of a resource by namespace, kept as the cache changes: what a plugin asks on every write. A namespace that has none
 * costs one look into a map.
 */
import type { KubeObject, ResourceRef } from '../../api/index.ts';
import type { ApiServerHost } from '../extension.ts';

export class NamespaceIndex<T extends KubeObject> {
  readonly #resource: ResourceRef<T>;
  readonly #byNamespace = new Map<string, readonly T[]>();

  constructor(resource: ResourceRef<T>) {
    this.#resource = resource;
  }

  /** Follows the cache until the server ends; of a resource that is not served there is nothing. */
  start({ registry, signal }: Pick<ApiServerHost, 'registry' | 'signal'>): void {
    const { group, version, plural } = this.#resource;
    if (!registry.definition(group, version, plural)) return;
    const observation = registry.observe(this.#resource, ({ old, current }) => this.#change(old, current));
    signal.addEventListener('abort', () => observation[Symbol.dispose](), { once: true });
  }

  /** In the order of their names; undefined when there are none. */
  of(namespace: string): readonly T[] | undefined {
    return this.#byNamespace.get(namespace);
  }

  #change(old: T | undefined, current: T | undefined): void {
    // One of the two is there.
    const { namespace = '', name } = (current ?? old)!.metadata;
    const others = (this.#byNamespace.get(namespace) ?? []).filter(({ metadata }) => metadata.name !== name);
    const objects = current ? [...others, current].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)) : others;
    if (objects.length > 0) this.#byNamespace.set(namespace, objects);
    else this.#byNamespace.delete(namespace);
  }
}
