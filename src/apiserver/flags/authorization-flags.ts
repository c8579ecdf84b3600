/** Flags that say who decides what may be done. @source kubernetes pkg/kubeapiserver/options/authorization.go, v1.35 */
import { goQuote } from '../../api/index.ts';
import type { FlagValues } from './flag-table.ts';
import { list } from './syntax.ts';

export const authorizationFlags = {
  'authorization-mode': list,
} as const;

const builtModes: ReadonlySet<string> = new Set(['Node', 'RBAC', 'AlwaysAllow', 'AlwaysDeny']);
/** Upstream's other modes. */
const otherModes: ReadonlySet<string> = new Set(['ABAC', 'Webhook']);

/** Values that do not fit the server or one another. */
export function authorizationFlagFaults({ 'authorization-mode': modes }: FlagValues): string[] {
  if (!modes) return [];
  const faults: string[] = [];
  if (modes.length === 0) faults.push('at least one authorization-mode must be passed');
  for (const mode of modes) {
    if (otherModes.has(mode)) faults.push(`authorization-mode ${goQuote(mode)} is not supported`);
    else if (!builtModes.has(mode)) faults.push(`authorization-mode ${goQuote(mode)} is not a valid mode`);
  }
  if (new Set(modes).size !== modes.length) {
    faults.push(`authorization-mode [${modes.map(goQuote).join(' ')}] has mode specified more than once`);
  }
  return faults;
}
