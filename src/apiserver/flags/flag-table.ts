/**
 * Every flag of upstream's API server that this one understands, by name. A flag is a row: its name and the syntax of its value. What it
 * does is decided where its area is put together (`fromFlags` functions, `src/controlplane/api-server.ts`), from `FlagValues`.
 */
import type { ValuesOf } from '../../api/flags/index.ts';
import { auditFlags } from './audit-flags.ts';
import { authenticationFlags } from './authentication-flags.ts';
import { authorizationFlags } from './authorization-flags.ts';
import { generalFlags } from './general-flags.ts';
import { loadFlags } from './load-flags.ts';

export const flagTable = {
  ...auditFlags,
  ...authenticationFlags,
  ...authorizationFlags,
  ...generalFlags,
  ...loadFlags,
} as const;

/** What the flags say; a flag that was not given is not there. */
export type FlagValues = ValuesOf<typeof flagTable>;
