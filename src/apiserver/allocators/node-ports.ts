/**
 * Ports that Services open on every node. Says in upstream's words why a port cannot be had.
 * @source kubernetes pkg/registry/core/service/portallocator
 */
import type { Random } from '../../base/index.ts';
import { NumberPool, type PoolOperation, staticShare } from './number-pool.ts';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export class NodePorts {
  readonly range: PortRange;
  readonly pool: NumberPool;

  constructor(options: { readonly range: PortRange; readonly random: Random }) {
    const { first, last } = options.range;
    this.range = options.range;
    this.pool = new NumberPool({
      first,
      last,
      reservedForStatic: staticShare(last - first + 1, { min: 16, max: 128, step: 32 }),
      random: options.random,
    });
  }

  /** Takes this port; what stands in the way, or undefined when it is taken now. */
  take(port: number, operation: PoolOperation): string | undefined {
    if (!this.pool.contains(port)) {
      return `provided port is not in the valid range. The range of valid ports is ${this.range.first}-${this.range.last}`;
    }
    return operation.take(port) ? undefined : 'provided port is already allocated';
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
