/** Flags of the audit log. @source apiserver pkg/server/options/audit.go, v1.35 */
import { boolean, choice, decimal, durationMs, file, integer, writtenFile } from '../../api/flags/index.ts';

const mode = choice('batch', 'blocking', 'blocking-strict');

export const auditFlags = {
  'audit-log-batch-buffer-size': integer,
  'audit-log-batch-max-size': integer,
  'audit-log-batch-max-wait': durationMs,
  'audit-log-batch-throttle-burst': integer,
  'audit-log-batch-throttle-enable': boolean,
  'audit-log-batch-throttle-qps': decimal,
  'audit-log-format': choice('json', 'legacy'),
  'audit-log-maxage': integer,
  'audit-log-maxbackup': integer,
  'audit-log-maxsize': integer,
  'audit-log-mode': mode,
  'audit-log-path': writtenFile,
  'audit-log-truncate-enabled': boolean,
  'audit-log-truncate-max-event-size': integer,
  'audit-policy-file': file,
  'audit-webhook-batch-buffer-size': integer,
  'audit-webhook-batch-max-size': integer,
  'audit-webhook-batch-max-wait': durationMs,
  'audit-webhook-batch-throttle-burst': integer,
  'audit-webhook-batch-throttle-enable': boolean,
  'audit-webhook-batch-throttle-qps': decimal,
  'audit-webhook-config-file': file,
  'audit-webhook-initial-backoff': durationMs,
  'audit-webhook-mode': mode,
  'audit-webhook-truncate-enabled': boolean,
  'audit-webhook-truncate-max-event-size': integer,
} as const;
