/**
 * How long to let changes of many pods gather before looking at all of them. One look costs time in proportion to their number; with
 * as many looks as changes, a thousand pods that start together would cost a million.
 */

/** Pods below which every change is looked at when it comes. */
const fewPods = 50;
const msPerPod = 0.1;
const maxMs = 500;

/** Milliseconds to wait after a change of one of `count` pods: none for few, 100 for a thousand. */
export function settleMs(count: number): number {
  return count < fewPods ? 0 : Math.min(maxMs, Math.round(count * msPerPod));
}
