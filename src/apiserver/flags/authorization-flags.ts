/** Flags that say who decides what may be done. @source kubernetes pkg/kubeapiserver/options/authorization.go, v1.35 */
import { goQuote } from '../../api/index.ts';
import type { FlagValues } from './flag-table.ts';
import { choice, durationMs, file, list } from '../../api/flags/index.ts';

/** What is said without a file of `authorization-config`. */
const plainFlags = {
  'authorization-mode': list,
  'authorization-webhook-cache-authorized-ttl': durationMs,
  'authorization-webhook-cache-unauthorized-ttl': durationMs,
  'authorization-webhook-config-file': file,
  'authorization-webhook-version': choice('v1', 'v1beta1'),
} as const;

export const authorizationFlags = { 'authorization-config': file, ...plainFlags } as const;

const builtModes: ReadonlySet<string> = new Set(['Node', 'RBAC', 'Webhook', 'AlwaysAllow', 'AlwaysDeny']);
/** Upstream's other modes. */
const otherModes: ReadonlySet<string> = new Set(['ABAC']);

/** Values that do not fit the server or one another. */
export function authorizationFlagFaults(flags: FlagValues): string[] {
  const isPlain = Object.keys(plainFlags).some((name) => flags[name as keyof typeof plainFlags] !== undefined);
  if (!flags['authorization-config']) return isPlain ? plainFaults(flags) : [];
  if (!isPlain) return [];
  return ['--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined'];
}

function plainFaults({ 'authorization-mode': modes, 'authorization-webhook-config-file': webhookFile }: FlagValues): string[] {
  const faults: string[] = [];
  if (modes?.length === 0) faults.push('at least one authorization-mode must be passed');
  for (const mode of modes ?? []) {
    if (otherModes.has(mode)) faults.push(`authorization-mode ${goQuote(mode)} is not supported`);
    else if (!builtModes.has(mode)) faults.push(`authorization-mode ${goQuote(mode)} is not a valid mode`);
    if (mode === 'Webhook' && !webhookFile) faults.push("authorization-mode Webhook's authorization config file not passed");
  }
  if (webhookFile && !modes?.includes('Webhook')) {
    faults.push('cannot specify --authorization-webhook-config-file without mode Webhook');
  }
  if (modes && new Set(modes).size !== modes.length) {
    faults.push(`authorization-mode [${modes.map(goQuote).join(' ')}] has mode specified more than once`);
  }
  return faults;
}
