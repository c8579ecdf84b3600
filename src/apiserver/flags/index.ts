/** The door of flags: light, so that `up` can look at what it was given before it starts anything. */
export { featureGates } from './feature-gates.ts';
export type { FlagValues } from './flag-table.ts';
export { flagSyntax, type ParsedFlags, parseFlags } from './parse-flags.ts';
export { servedResources } from './runtime-config.ts';
