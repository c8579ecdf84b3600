/** How many placed pods of some kind are in each domain: what a spread constraint or an affinity term of a pod to be placed asks for. */
import type { LabelMatcher } from '../../../api/index.ts';
import type { PodInfo } from '../../framework/index.ts';
import type { DomainTally } from './domain-tally.ts';

/** Which pods count. */
export interface PodMatcher {
  /** Equal for matchers that match the same pods. */
  readonly signature: string;
  /** Of the pods that can match; undefined: of every namespace. */
  readonly namespaces: readonly string[] | undefined;
  /** A label that every pod has which can match, as `key=value`; undefined: there is none that is known. */
  readonly label: string | undefined;
  matches(pod: PodInfo): boolean;
}

export class PodCounter {
  readonly matcher: PodMatcher;
  readonly tally: DomainTally;

  constructor(matcher: PodMatcher, tally: DomainTally) {
    this.matcher = matcher;
    this.tally = tally;
  }

  /** Counts the pod if it is one of those meant. */
  count(pod: PodInfo, nodeIndex: number, change: 1 | -1): void {
    if (this.matcher.matches(pod)) this.tally.add(nodeIndex, change);
  }
}

/** A label that everything has which the selector selects, as `key=value`: what an index can look up. */
export function requiredLabel(selector: LabelMatcher): string | undefined {
  for (const { key } of selector.requirements) {
    const value = selector.requiredValue(key);
    if (value !== undefined) return `${key}=${value}`;
  }
  return undefined;
}
