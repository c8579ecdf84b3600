/** The quotas of each namespace, kept as the cache changes: a namespace without one costs one look into a map. */
import { type corev1, corev1Resources } from '../../../api/index.ts';
import type { Registry } from '../../storage.ts';

type ResourceQuota = corev1.ResourceQuota;

export class QuotaIndex implements Disposable {
  readonly #byNamespace = new Map<string, readonly ResourceQuota[]>();
  #observation: Disposable | undefined;

  /** Begins to follow the cache; without the kind there are no quotas. */
  start(registry: Registry): void {
    const { group, version, plural } = corev1Resources.resourcequotas;
    if (!registry.definition(group, version, plural)) return;
    this.#observation = registry.observe(corev1Resources.resourcequotas, ({ old, current }) => this.#change(old, current));
  }

  /** In the order of their names; undefined when there are none. */
  of(namespace: string): readonly ResourceQuota[] | undefined {
    return this.#byNamespace.get(namespace);
  }

  [Symbol.dispose](): void {
    this.#observation?.[Symbol.dispose]();
  }

  #change(old: ResourceQuota | undefined, current: ResourceQuota | undefined): void {
    const { namespace = '', name } = (current ?? old)!.metadata;
    const others = (this.#byNamespace.get(namespace) ?? []).filter(({ metadata }) => metadata.name !== name);
    const quotas = current ? [...others, current].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)) : others;
    if (quotas.length > 0) this.#byNamespace.set(namespace, quotas);
    else this.#byNamespace.delete(namespace);
  }
}
