/**
 * Ports that Services open on every node. Says in upstream's words why a port cannot be had.
 * @source kubernetes pkg/registry/core/service/portallocator
 */
import type { Random } from '../../base/index.ts';
import { type NumberRange, numbersOf, staticShare } from './number-range.ts';
import { Pool, type PoolOperation } from './pool.ts';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export class NodePorts {
  readonly range: PortRange;
  readonly pool = new Pool<number>();
  readonly #numbers: NumberRange;
  readonly #random: Random;

  constructor(options: { readonly range: PortRange; readonly random: Random }) {
    const [first, last] = [BigInt(options.range.first), BigInt(options.range.last)];
    this.range = options.range;
    this.#numbers = { first, firstDynamic: first + staticShare(last - first + 1n, { min: 16n, max: 128n, step: 32n }), last };
    this.#random = options.random;
  }

  contains(port: number): boolean {
    return port >= this.range.first && port <= this.range.last;
  }

  /** Takes this port; what stands in the way, or undefined when it is taken now. */
  take(port: number, operation: PoolOperation<number>): string | undefined {
    if (!this.contains(port)) {
      return `provided port is not in the valid range. The range of valid ports is ${this.range.first}-${this.range.last}`;
    }
    return operation.take(port) ? undefined : 'provided port is already allocated';
  }

  /** Takes any free port; undefined when every one is taken. */
  takeNext(operation: PoolOperation<number>): number | undefined {
    return operation.takeAny(numbersOf(this.#numbers, this.#random).map(Number));
  }
}

/**
 * Reads `30000-32767`.
 * @throws RangeError for anything else
 */
export function parsePortRange(text: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first < 1 || last > 65_535 || first > last)
    throw new RangeError(`${JSON.stringify(text)} is not a range of ports such as 30000-32767`);
  return { first, last };
}
