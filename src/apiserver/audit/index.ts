/** The door of the audit log. */
export type { Auditor, RequestAudit } from './auditor.ts';
