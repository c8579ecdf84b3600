/**
 * What quotas count, watched. A kind is watched from the first quota on that names it: a cluster without quotas watches nothing for
 * them. Counting needs only metadata; what is measured (pods, services, claims) is watched whole.
 */
import { corev1Resources, type KubeObject, type ResourceRef } from '../../api/index.ts';
import { type QuotaEvaluator, quotaEvaluatorFor } from '../../api/quota/index.ts';
import { type ControllerContext, discover, type Informer } from '../../client/index.ts';

export interface Monitor {
  readonly evaluator: QuotaEvaluator;
  readonly informer: Informer<KubeObject>;
}

interface Countable {
  readonly ref: ResourceRef;
  readonly evaluator: QuotaEvaluator;
}

/** Names that nothing served can count are looked up again after this long. */
const rediscoverMs = 30_000;
const neededVerbs = ['create', 'list', 'watch', 'delete'];
const { pods, services, persistentvolumeclaims } = corev1Resources;
const measured: ReadonlySet<string> = new Set([pods, services, persistentvolumeclaims].map(({ plural }) => plural));

export class Monitors {
  readonly #context: ControllerContext;
  readonly #freed: (namespace: string, evaluator: QuotaEvaluator) => void;
  readonly #monitors = new Map<string, Monitor>();
  #countable: readonly Countable[] = [];
  #discoveredMs = -Infinity;

  /** @param freed told when objects of a namespace may take less than before */
  constructor(context: ControllerContext, freed: (namespace: string, evaluator: QuotaEvaluator) => void) {
    this.#context = context;
    this.#freed = freed;
  }

  /** The monitors of everything that `names` speak of, each with its first state. */
  async forNames(names: readonly string[], signal: AbortSignal): Promise<readonly Monitor[]> {
    const isKnown = (name: string): boolean => this.#countable.some(({ evaluator }) => evaluator.matchesResource(name));
    if (!names.every(isKnown) && this.#context.clock.monotonic() - this.#discoveredMs >= rediscoverMs) await this.#discover(signal);
    const wanted = this.#countable.filter(({ evaluator }) => names.some((name) => evaluator.matchesResource(name)));
    const monitors = wanted.map((countable) => this.#monitorOf(countable));
    await Promise.all(monitors.map(({ informer }) => informer.whenSynced(signal)));
    return monitors;
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#context;
    const { resources } = await discover(client.transport, { signal });
    this.#discoveredMs = clock.monotonic();
    this.#countable = resources
      .filter(({ ref, verbs, preferred }) => preferred && ref.namespaced && neededVerbs.every((verb) => verbs.includes(verb)))
      .flatMap(({ ref }) => {
        const evaluator = quotaEvaluatorFor(ref);
        return evaluator ? [{ ref, evaluator }] : [];
      });
  }

  #monitorOf({ ref, evaluator }: Countable): Monitor {
    const key = `${ref.plural}.${ref.group}`;
    const known = this.#monitors.get(key);
    if (known) return known;
    const { informers, clock } = this.#context;
    const informer = informers.informer(ref, ref.group === '' && measured.has(ref.plural) ? {} : { metadataOnly: true });
    const freed = ({ metadata }: KubeObject): void => this.#freed(metadata.namespace ?? '', evaluator);
    informer.addHandler({
      updated: (old, object) => {
        if (evaluator.frees?.(old, object, clock.now())) freed(object);
      },
      deleted: freed,
    });
    const monitor = { evaluator, informer };
    this.#monitors.set(key, monitor);
    informers.start();
    return monitor;
  }
}
