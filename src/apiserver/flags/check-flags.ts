/** What is wrong with flags beyond their syntax: values that do not fit the server or one another. Nothing is read or started for it. */
import { builtinResources } from '../../api/kinds/index.ts';
import { admissionPluginFaults } from './admission-plugins.ts';
import { authenticationFlagFaults } from './authentication-flags.ts';
import { authorizationFlagFaults } from './authorization-flags.ts';
import { featureGates } from './feature-gates.ts';
import type { FlagValues } from './flag-table.ts';
import { loadFlagFaults } from './load-flags.ts';
import { servedResources } from './runtime-config.ts';
import { FlagValueError } from '../../api/flags/index.ts';

/** One function an area. */
const checks: readonly ((flags: FlagValues) => readonly string[])[] = [
  (flags) => faultOf(() => featureGates(flags['feature-gates'])),
  (flags) => faultOf(() => servedResources(builtinResources, flags['runtime-config'])),
  authenticationFlagFaults,
  authorizationFlagFaults,
  loadFlagFaults,
  (flags) => admissionPluginFaults(flags['enable-admission-plugins'], flags['disable-admission-plugins']),
];

export function checkFlags(flags: FlagValues): string[] {
  return checks.flatMap((check) => check(flags));
}

function faultOf(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof FlagValueError) return [error.message];
    throw error;
  }
}
