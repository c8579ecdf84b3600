/** Sinks made of sinks: several at once, and one that cuts events that are too large. @source apiserver plugin/pkg/audit/truncate */
import { type AuditEvent, eventJson } from './event.ts';
import type { AuditSink } from './policy-auditor.ts';

export function allOf(sinks: readonly AuditSink[]): AuditSink {
  if (sinks.length === 1) return sinks[0]!;
  return {
    process: (event) => {
      for (const sink of sinks) sink.process(event);
    },
    close: async () => {
      await Promise.all(sinks.map((sink) => sink.close()));
    },
  };
}

/** Leaves the bodies out of an event that is larger than `maxBytes`, and says so. */
export function truncating(sink: AuditSink, maxBytes: number): AuditSink {
  const isTooLarge = (event: AuditEvent): boolean => Buffer.byteLength(eventJson(event)) > maxBytes;
  return {
    process: (event) => {
      if (event.requestObject === undefined && event.responseObject === undefined) sink.process(event);
      else if (!isTooLarge(event)) sink.process(event);
      else {
        const annotations = new Map([...(event.annotations ?? []), ['audit.k8s.io/truncated', 'true'] as const]);
        sink.process({ ...event, annotations, requestObject: undefined, responseObject: undefined });
      }
    },
    close: () => sink.close(),
  };
}
