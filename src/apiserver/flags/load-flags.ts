/** Flags that limit what is done at once, and how data is kept. @source apiserver pkg/server/options, v1.35 */
import { boolean, durationMs, file, integer } from './syntax.ts';

export const loadFlags = {
  'enable-priority-and-fairness': boolean,
  'encryption-provider-config': file,
  'encryption-provider-config-automatic-reload': boolean,
  'max-mutating-requests-inflight': integer,
  'max-requests-inflight': integer,
  'min-request-timeout': integer,
  'request-timeout': durationMs,
} as const;
