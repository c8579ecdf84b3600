/** The audit log as flags describe it. @source apiserver pkg/server/options/audit.go, v1.35 */
import { readFileSync } from 'node:fs';
import { type Clock, type Logger, type Random, type Registry } from '../../base/index.ts';
import type { FlagValues } from '../flags/index.ts';
import { HttpsClient, OutgoingError, readWebhookConfig } from '../outgoing/index.ts';
import { AuditErrors } from './audit-errors.ts';
import type { BatchOptions } from './batch-queue.ts';
import { LogSink } from './log-sink.ts';
import { AuditPolicy } from './policy.ts';
import { type AuditSink, PolicyAuditor } from './policy-auditor.ts';
import { allOf, truncating } from './sinks.ts';
import { WebhookSink } from './webhook-sink.ts';

const webhookTimeoutMs = 30_000;

export interface AuditDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Registry;
}

/**
 * Undefined when nothing is to be audited: without a policy, or without a place to write to.
 * @throws AuditPolicyError, OutgoingError, PkiError, or the system's error for files that cannot be read or written
 */
export function configuredAudit(flags: FlagValues, deps: AuditDeps): PolicyAuditor | undefined {
  const path = flags['audit-policy-file'];
  if (path === undefined) return undefined;
  const policy = AuditPolicy.parse(readFileSync(path, 'utf8'), path);
  const errors = new AuditErrors(deps.metrics);
  const sinks = [logSink(flags, deps, errors), webhookSink(flags, deps, errors)].filter((sink) => sink !== undefined);
  if (sinks.length === 0) return undefined;
  const { clock, metrics } = deps;
  return new PolicyAuditor({ policy, sink: allOf(sinks), clock, metrics });
}

function logSink(flags: FlagValues, deps: AuditDeps, errors: AuditErrors): AuditSink | undefined {
  const path = flags['audit-log-path'];
  if (path === undefined || path === '') return undefined;
  const sink = new LogSink(
    {
      path,
      format: flags['audit-log-format'] ?? 'json',
      mode: flags['audit-log-mode'] ?? 'blocking',
      batch: batchOptions(
        {
          bufferSize: flags['audit-log-batch-buffer-size'],
          maxBatchSize: flags['audit-log-batch-max-size'],
          maxWaitMs: flags['audit-log-batch-max-wait'],
          throttled: flags['audit-log-batch-throttle-enable'],
          perSecond: flags['audit-log-batch-throttle-qps'],
          burst: flags['audit-log-batch-throttle-burst'],
        },
        { bufferSize: 10_000, maxBatchSize: 1, maxWaitMs: 0, throttled: false },
      ),
      rotation: {
        maxAgeDays: flags['audit-log-maxage'] ?? 0,
        maxBackups: flags['audit-log-maxbackup'] ?? 0,
        maxSizeMib: flags['audit-log-maxsize'] ?? 0,
      },
    },
    { clock: deps.clock, log: deps.log, errors },
  );
  return flags['audit-log-truncate-enabled'] ? truncating(sink, flags['audit-log-truncate-max-event-size'] ?? 102_400) : sink;
}

function webhookSink(flags: FlagValues, deps: AuditDeps, errors: AuditErrors): AuditSink | undefined {
  const path = flags['audit-webhook-config-file'];
  if (path === undefined || path === '') return undefined;
  const connection = readWebhookConfig(path);
  const { certificateAuthority: ca, clientCertificate, tlsServerName: serverName, token, tokenFile, basic } = connection;
  const https = new HttpsClient({
    clock: deps.clock,
    timeoutMs: webhookTimeoutMs,
    ca,
    cert: clientCertificate?.certificate,
    key: clientCertificate?.key,
    serverName,
  });
  const authorization = (): string | undefined => {
    // The content of the file changes.
    const bearer = token ?? (tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8').trim());
    if (bearer !== undefined) return `Bearer ${bearer}`;
    return basic && `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
  };
  const post = async (body: string, signal: AbortSignal): Promise<void> => {
    const who = authorization();
    const headers = { 'content-type': 'application/json', ...(who !== undefined && { authorization: who }) };
    const { status } = await https.send(connection.server, { method: 'POST', headers, body }, signal);
    if (status < 200 || status > 299) throw new OutgoingError(`the audit webhook answered ${status}`, { retriable: true });
  };
  const sink = new WebhookSink(
    {
      mode: flags['audit-webhook-mode'] ?? 'batch',
      initialBackoffMs: flags['audit-webhook-initial-backoff'] ?? 10_000,
      batch: batchOptions(
        {
          bufferSize: flags['audit-webhook-batch-buffer-size'],
          maxBatchSize: flags['audit-webhook-batch-max-size'],
          maxWaitMs: flags['audit-webhook-batch-max-wait'],
          throttled: flags['audit-webhook-batch-throttle-enable'],
          perSecond: flags['audit-webhook-batch-throttle-qps'],
          burst: flags['audit-webhook-batch-throttle-burst'],
        },
        { bufferSize: 10_000, maxBatchSize: 400, maxWaitMs: 30_000, throttled: true },
      ),
    },
    { post, clock: deps.clock, random: deps.random, log: deps.log, errors },
  );
  return flags['audit-webhook-truncate-enabled'] ? truncating(sink, flags['audit-webhook-truncate-max-event-size'] ?? 102_400) : sink;
}

interface GivenBatch {
  readonly bufferSize: number | undefined;
  readonly maxBatchSize: number | undefined;
  readonly maxWaitMs: number | undefined;
  readonly throttled: boolean | undefined;
  readonly perSecond: number | undefined;
  readonly burst: number | undefined;
}

function batchOptions(
  given: GivenBatch,
  otherwise: { readonly bufferSize: number; readonly maxBatchSize: number; readonly maxWaitMs: number; readonly throttled: boolean },
): BatchOptions {
  return {
    bufferSize: given.bufferSize ?? otherwise.bufferSize,
    maxBatchSize: given.maxBatchSize ?? otherwise.maxBatchSize,
    maxWaitMs: given.maxWaitMs ?? otherwise.maxWaitMs,
    throttle: (given.throttled ?? otherwise.throttled) ? { perSecond: given.perSecond ?? 10, burst: given.burst ?? 15 } : undefined,
  };
}
