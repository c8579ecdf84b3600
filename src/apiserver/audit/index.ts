/** The door of the audit log. */
import type { Registry } from '../../base/index.ts';
import type { ExtensionFactory } from '../extension.ts';
import type { FlagValues } from '../flags/index.ts';
import { configuredAudit } from './configured-audit.ts';

export type { Auditor, RequestAudit } from './auditor.ts';
export { AuditPolicy, AuditPolicyError } from './policy.ts';

/** Audits as flags say; without a policy nothing is made and no request costs anything. The extension throws for files that are wrong. */
export function auditExtension(options: { readonly flags: FlagValues; readonly metrics: Registry }): ExtensionFactory {
  return ({ clock, random, log, signal }) => {
    const auditor = configuredAudit(options.flags, { clock, random, log, metrics: options.metrics });
    signal.addEventListener('abort', () => void auditor?.close(), { once: true });
    return { auditor };
  };
}
