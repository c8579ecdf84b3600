/** The Secrets that Ingresses name, and no others: a watch for each, which begins when it is named and ends when it is not. */
import { type corev1, corev1Resources } from '../api/index.ts';
import type { Ctx } from '../base/index.ts';
import { type Informer, type InformerFactory, splitKey } from '../client/index.ts';

export class SecretWatch {
  readonly #informers: InformerFactory;
  readonly #changed: () => void;
  readonly #watched = new Map<string, Informer<corev1.Secret>>();

  constructor(informers: InformerFactory, changed: () => void) {
    this.#informers = informers;
    this.#changed = changed;
  }

  /** Watches these (`namespace/name`) and no others; resolves when what they hold is known. */
  async follow(names: ReadonlySet<string>, { signal }: Ctx): Promise<void> {
    for (const [key, informer] of this.#watched) {
      if (names.has(key)) continue;
      this.#watched.delete(key);
      this.#informers.stop?.(informer);
    }
    for (const key of names) {
      if (this.#watched.has(key)) continue;
      const { namespace = '', name } = splitKey(key);
      const informer = this.#informers.informer(corev1Resources.secrets, { namespace, fieldSelector: `metadata.name=${name}` });
      informer.addHandler({ added: this.#changed, updated: this.#changed, deleted: this.#changed });
      this.#watched.set(key, informer);
    }
    this.#informers.start();
    for (const informer of this.#watched.values()) await informer.whenSynced(signal);
  }

  get(namespace: string, name: string): corev1.Secret | undefined {
    return this.#watched.get(`${namespace}/${name}`)?.get({ namespace, name });
  }
}
