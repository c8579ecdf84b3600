/**
 * Which victims would break a PodDisruptionBudget. Preemption may break one, but spares such pods first and prefers nodes without.
 * @source kube-scheduler v1.35 plugins/defaultpreemption (filterPodsWithPDBViolation)
 */
import { labelSelectorMatcher, type LabelMatcher, type policyv1, SelectorError } from '../../api/index.ts';
import type { PodInfo, SchedulerListers } from '../framework/index.ts';

interface Budget {
  readonly selector: LabelMatcher;
  readonly allowed: number;
  /** Names of pods whose eviction the API server has counted already. */
  readonly disrupted: ReadonlySet<string>;
}

export class DisruptionBudgets {
  readonly #lister: SchedulerListers['podDisruptionBudgets'];
  #byNamespace: ReadonlyMap<string, readonly Budget[]> | undefined;
  /** Another after every change of a budget. */
  version = 0;

  constructor({ podDisruptionBudgets }: SchedulerListers) {
    this.#lister = podDisruptionBudgets;
    const changed = (): void => {
      this.version++;
      this.#byNamespace = undefined;
    };
    podDisruptionBudgets.addHandler({ added: changed, updated: changed, deleted: changed });
  }

  /** Splits `pods`, keeping their order, as if they were evicted one after another. */
  split(pods: readonly PodInfo[]): { readonly violating: readonly PodInfo[]; readonly others: readonly PodInfo[] } {
    const budgets = (this.#byNamespace ??= this.#read());
    if (budgets.size === 0) return { violating: [], others: pods };
    const left = new Map<Budget, number>();
    const violates = (pod: PodInfo): boolean => {
      if (!pod.labels) return false;
      let broken = false;
      for (const budget of budgets.get(pod.namespace) ?? []) {
        if (!budget.selector.matches(pod.labels) || budget.disrupted.has(pod.pod.metadata.name)) continue;
        const allowed = (left.get(budget) ?? budget.allowed) - 1;
        left.set(budget, allowed);
        if (allowed < 0) broken = true;
      }
      return broken;
    };
    const [violating, others]: [PodInfo[], PodInfo[]] = [[], []];
    for (const pod of pods) (violates(pod) ? violating : others).push(pod);
    return { violating, others };
  }

  #read(): ReadonlyMap<string, readonly Budget[]> {
    const read = new Map<string, Budget[]>();
    for (const budget of this.#lister.list()) {
      const selector = selectorOf(budget);
      // An empty selector means nothing here, as upstream has it.
      if (!selector || selector.isNothing || selector.isEverything) continue;
      const { disruptionsAllowed, disruptedPods } = budget.status;
      const of = read.get(budget.metadata.namespace ?? '') ?? [];
      of.push({ selector, allowed: disruptionsAllowed, disrupted: new Set(Object.keys(disruptedPods ?? {})) });
      read.set(budget.metadata.namespace ?? '', of);
    }
    return read;
  }
}

function selectorOf({ spec }: policyv1.PodDisruptionBudget): LabelMatcher | undefined {
  try {
    return labelSelectorMatcher(spec.selector);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}
