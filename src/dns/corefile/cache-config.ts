/** The directive `cache`. @source CoreDNS plugin/cache/README.md */
import { durationMs, expectArgs, unknownProperty, wholeNumber, zoneOf } from './arguments.ts';
import { CorefileFault } from './corefile-fault.ts';
import type { Directive, Property } from './syntax.ts';

export interface CacheSide {
  /** Answers that are kept at most. */
  readonly capacity: number;
  /** Seconds. */
  readonly maxTtl: number;
  readonly minTtl: number;
  /** Zones whose answers are not kept. */
  readonly disabled: readonly string[];
}

export interface CacheConfig {
  readonly zones: readonly string[];
  readonly success: CacheSide;
  readonly denial: CacheSide;
  /** Asks again before popular answers end; undefined: never. */
  readonly prefetch: { readonly amount: number; readonly withinMs: number; readonly percentage: number } | undefined;
  readonly serveStale: { readonly forMs: number; readonly mode: 'immediate' | 'verified' } | undefined;
  readonly servfailMs: number;
}

const defaultCapacity = 9984;
const shards = 256;
const maxServfailMs = 300_000;

/** @throws CorefileFault */
export function parseCache(directive: Directive, blockZones: readonly string[]): CacheConfig {
  const args = [...directive.args];
  let maxTtl: number | undefined;
  if (/^-?\d+$/.test(args[0] ?? '')) {
    maxTtl = wholeNumber(directive, args.shift()!, { min: 1, max: 0x7fff_ffff });
  }
  const zones = args.length === 0 ? blockZones : args.map((zone) => zoneOf(directive, zone));
  const side = (ttl: number): CacheSide => ({ capacity: defaultCapacity, maxTtl: maxTtl ?? ttl, minTtl: 5, disabled: [] });
  const config: { -readonly [Key in keyof CacheConfig]: CacheConfig[Key] } = {
    zones,
    success: side(3600),
    denial: side(1800),
    prefetch: undefined,
    serveStale: undefined,
    servfailMs: 5000,
  };
  for (const property of directive.block) {
    const { name, line } = property;
    const [first = '', second] = property.args;
    switch (name) {
      case 'success':
      case 'denial':
        config[name] = sideOf(property, config[name]);
        break;
      case 'prefetch':
        config.prefetch = prefetchOf(property);
        break;
      case 'serve_stale':
        expectArgs(property, 0, 2);
        if (second !== undefined && second !== 'immediate' && second !== 'verified')
          throw new CorefileFault(line, `invalid value for serve_stale refresh mode: ${second}`);
        config.serveStale = { forMs: first === '' ? 3_600_000 : durationMs(property, first), mode: second ?? 'immediate' };
        break;
      case 'servfail':
        expectArgs(property, 1);
        config.servfailMs = durationMs(property, first);
        if (config.servfailMs > maxServfailMs) throw new CorefileFault(line, 'caching SERVFAIL responses over 5 minutes is not permitted');
        break;
      case 'disable': {
        if (first !== 'success' && first !== 'denial')
          throw new CorefileFault(line, `cache type for disable must be "success" or "denial"`);
        const disabled = property.args.length === 1 ? zones : property.args.slice(1).map((zone) => zoneOf(property, zone));
        config[first] = { ...config[first], disabled };
        break;
      }
      case 'keepttl':
        throw new CorefileFault(line, `cache: '${name}' is not supported`);
      default:
        throw unknownProperty(property);
    }
  }
  return config;
}

function sideOf(property: Property, before: CacheSide): CacheSide {
  expectArgs(property, 1, 3);
  const [capacity = '', maxTtl, minTtl] = property.args;
  const number = (text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : wholeNumber(property, text, { min: 0, max: 0x7fff_ffff });
  const wanted = number(capacity, before.capacity);
  return {
    ...before,
    capacity: Math.max(1024, wanted - (wanted % shards)),
    maxTtl: number(maxTtl, before.maxTtl),
    minTtl: number(minTtl, before.minTtl),
  };
}

function prefetchOf(property: Property): CacheConfig['prefetch'] {
  expectArgs(property, 1, 3);
  const [amount = '', duration, percentage = '10%'] = property.args;
  const share = /^(\d{1,2})%$/.exec(percentage)?.[1];
  if (share === undefined || Number(share) < 10 || Number(share) > 90)
    throw new CorefileFault(property.line, `percentage should fall in range [10%, 90%]: ${percentage}`);
  return {
    amount: wholeNumber(property, amount, { min: 0, max: 0x7fff_ffff }),
    withinMs: duration === undefined ? 60_000 : durationMs(property, duration),
    percentage: Number(share),
  };
}
