/** Flags that limit what is done at once, and how data is kept. @source apiserver pkg/server/options, v1.35 */
import type { FlagValues } from './flag-table.ts';
import { boolean, decimal, durationMs, file, type FlagSyntax, FlagValueError, integer } from '../../api/flags/index.ts';

const goawayChance: FlagSyntax<number> = {
  parse: (value, before) => {
    const chance = decimal.parse(value, before);
    if (chance < 0 || chance > 0.02) throw new FlagValueError('--goaway-chance can not be less than 0 or greater than 0.02');
    return chance;
  },
};

export const loadFlags = {
  'enable-priority-and-fairness': boolean,
  'encryption-provider-config': file,
  'encryption-provider-config-automatic-reload': boolean,
  'goaway-chance': goawayChance,
  'max-mutating-requests-inflight': integer,
  'max-requests-inflight': integer,
  'min-request-timeout': integer,
  'request-timeout': durationMs,
} as const;

/** Values below nought. @source apiserver pkg/server/options/server_run_options.go Validate */
export function loadFlagFaults(flags: FlagValues): string[] {
  const numbers = ['max-requests-inflight', 'max-mutating-requests-inflight', 'request-timeout', 'min-request-timeout'] as const;
  return numbers.filter((name) => (flags[name] ?? 0) < 0).map((name) => `--${name} can not be negative value`);
}
