/**
 * The audit of requests by a policy: what is known of a request at each of its stages is given to the sink as an event of its own.
 * @source apiserver pkg/endpoints/filters/audit.go, pkg/audit/request.go
 */
import type { ApiError, JsonObject, KubeObject } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import { AssertionError, type Clock, Counter, type Registry } from '../../base/index.ts';
import { listMetaOf } from '../rendering/rendering.ts';
import type { UserInfo } from '../request.ts';
import { isLongRunning } from '../routing/long-running.ts';
import type { Incoming } from '../server/incoming.ts';
import type { Answer } from '../verbs/answer.ts';
import type { Auditor, RequestAudit } from './auditor.ts';
import type { AuditEvent, ObjectReference } from './event.ts';
import { type AuditPolicy, type AuditVerdict, type Level, levels, type Stage } from './policy.ts';

/** Where events go. */
export interface AuditSink {
  /** Must not throw, but to refuse the request (`blocking-strict`, when its first event cannot be stored). */
  process(event: AuditEvent): void;
  close(): Promise<void>;
}

export class PolicyAuditor implements Auditor {
  readonly sink: AuditSink;
  readonly clock: Clock;
  readonly #policy: AuditPolicy;
  /** Plain numbers, told when metrics are read. */
  #events = 0;
  readonly #levels: Record<Level, number> = { None: 0, Metadata: 0, Request: 0, RequestResponse: 0 };

  constructor(options: { readonly policy: AuditPolicy; readonly sink: AuditSink; readonly clock: Clock; readonly metrics: Registry }) {
    this.#policy = options.policy;
    this.sink = options.sink;
    this.clock = options.clock;
    const registers = [options.metrics];
    const events = new Counter({
      name: 'apiserver_audit_event_total',
      help: 'Audit events that were made.',
      registers,
      collect: () => {
        events.reset();
        events.inc(this.#events);
      },
    });
    const byLevel = new Counter({
      name: 'apiserver_audit_level_total',
      help: 'Requests by the level at which they are audited.',
      labelNames: ['level'],
      registers,
      collect: () => {
        byLevel.reset();
        for (const level of levels) byLevel.inc({ level }, this.#levels[level]);
      },
    });
  }

  begin(call: Incoming): RequestAudit | undefined {
    const verdict = this.#decide(call.user, call);
    if (verdict.level === 'None') return undefined;
    const audit = new AuditedRequest(this, verdict, call, call.user);
    audit.received();
    return audit;
  }

  unauthenticated(call: Incoming, error: ApiError): void {
    const verdict = this.#decide(undefined, call);
    if (verdict.level === 'None') return;
    new AuditedRequest(this, verdict, call, undefined).unauthenticated(error);
  }

  close(): Promise<void> {
    return this.sink.close();
  }

  process(event: AuditEvent): void {
    this.#events++;
    this.sink.process(event);
  }

  #decide(user: UserInfo | undefined, { info }: Incoming): AuditVerdict {
    const verdict = this.#policy.decide(user, info);
    this.#levels[verdict.level]++;
    return verdict;
  }
}

const order: Readonly<Record<Level, number>> = { None: 0, Metadata: 1, Request: 2, RequestResponse: 3 };

class AuditedRequest implements RequestAudit {
  readonly #auditor: PolicyAuditor;
  readonly #verdict: AuditVerdict;
  readonly #call: Incoming;
  readonly #user: UserInfo | undefined;
  readonly #receivedMs: number;
  readonly #isLong: boolean;
  readonly #objectRef: ObjectReference | undefined;
  #impersonated: UserInfo | undefined;
  #annotations: Map<string, string> | undefined;
  #status: JsonObject | undefined;
  #requestObject: string | undefined;
  #responseObject: string | undefined;
  #panicked = false;
  #sourceIPs: readonly string[] | undefined;

  constructor(auditor: PolicyAuditor, verdict: AuditVerdict, call: Incoming, user: UserInfo | undefined) {
    const { info } = call;
    this.#auditor = auditor;
    this.#verdict = verdict;
    this.#call = call;
    this.#user = user;
    this.#receivedMs = auditor.clock.now();
    this.#isLong = isLongRunning(info);
    this.#objectRef = info.isResourceRequest
      ? {
          resource: info.resource,
          namespace: info.namespace,
          name: info.name,
          apiGroup: info.apiGroup,
          apiVersion: info.version,
          subresource: info.subresource,
        }
      : undefined;
  }

  received(): void {
    this.#tell('RequestReceived', this.#receivedMs);
  }

  unauthenticated(error: ApiError): void {
    const methods = attemptedMethods(this.#call);
    const message = `Authentication failed, attempted: ${methods}`;
    this.#status = { metadata: {}, status: 'Failure', message, reason: 'Unauthorized', code: error.code };
    this.#tell('ResponseStarted', this.#auditor.clock.now());
  }

  impersonating(user: UserInfo): void {
    this.#impersonated = user;
  }

  authorized(decision: 'allow' | 'forbid', reason: string): void {
    this.annotate('authorization.k8s.io/decision', decision);
    this.annotate('authorization.k8s.io/reason', reason);
  }

  annotate(key: string, value: string): void {
    const annotations = (this.#annotations ??= new Map());
    if (!annotations.has(key)) annotations.set(key, value);
  }

  requested(body: unknown): void {
    const metadata = metadataOf(body);
    const reference = this.#objectRef;
    if (reference && metadata) {
      reference.namespace ||= metadata.namespace ?? '';
      reference.name ||= metadata.name ?? '';
      reference.uid ||= metadata.uid ?? '';
      reference.resourceVersion ||= metadata.resourceVersion ?? '';
    }
    if (order[this.#verdict.level] >= order.Request) this.#requestObject = this.#text(body);
  }

  answered(answer: Answer): void {
    const code = 'status' in answer ? answer.status : 200;
    this.#status ??= { metadata: {}, code: answer.type === 'hijacked' ? 101 : code };
    if (answer.type === 'object' && answer.object.kind === 'Status') this.#status = statusOf(answer.object as JsonObject, code);
    if (this.#verdict.level === 'RequestResponse') {
      const object = objectOf(answer);
      if (object !== undefined) this.#responseObject = this.#text(object);
    }
    if (this.#isLong) this.#tell('ResponseStarted', this.#auditor.clock.now());
  }

  failed(error: ApiError): void {
    // A bug: what is no answer of anybody's.
    const { cause } = error;
    if (cause instanceof AssertionError || cause instanceof TypeError || cause instanceof RangeError) {
      this.#panicked = true;
      const message = `APIServer panic'd: ${cause.message}`;
      this.#status = { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 };
      return;
    }
    // A Status is a JSON tree.
    const status = error.toStatus() as unknown as JsonObject;
    this.#status = statusOf(status, error.code);
    if (this.#verdict.level === 'RequestResponse') this.#responseObject = this.#text(status);
    if (this.#isLong) this.#tell('ResponseStarted', this.#auditor.clock.now());
  }

  completed(status: number): void {
    this.#status ??= { metadata: {}, code: status };
    this.#tell(this.#panicked ? 'Panic' : 'ResponseComplete', this.#auditor.clock.now());
  }

  #tell(stage: Stage, stageMs: number): void {
    if (this.#verdict.omitStages.has(stage)) return;
    const call = this.#call;
    // What may still be added to is the event's own copy; after the last stage nothing is.
    const isLast = stage === 'ResponseComplete' || stage === 'Panic';
    const [reference, annotations] = [this.#objectRef, this.#annotations];
    this.#auditor.process({
      level: this.#verdict.level,
      auditID: call.auditId,
      stage,
      requestURI: call.target,
      verb: call.info.verb,
      user: this.#user,
      impersonatedUser: this.#impersonated,
      sourceIPs: (this.#sourceIPs ??= sourceIps(call)),
      userAgent: call.userAgent,
      objectRef: isLast ? reference : reference && { ...reference },
      responseStatus: this.#status,
      requestObject: this.#requestObject,
      responseObject: this.#responseObject,
      receivedMs: this.#receivedMs,
      stageMs,
      annotations: isLast ? annotations : annotations && new Map(annotations),
    });
  }

  #text(value: unknown): string {
    return stringifyJson(this.#verdict.omitManagedFields ? withoutManagedFields(value) : value);
  }
}

function metadataOf(body: unknown): KubeObject['metadata'] | undefined {
  if (typeof body !== 'object' || body === null || !('metadata' in body)) return undefined;
  const { metadata } = body;
  return typeof metadata === 'object' && metadata !== null ? (metadata as KubeObject['metadata']) : undefined;
}

/** What a client is sent, when that is an object. */
function objectOf(answer: Answer): unknown {
  switch (answer.type) {
    case 'stored':
      return answer.view.objectOf(answer.object);
    case 'list': {
      const { view, page } = answer;
      const items = page.objects.map((stored) => view.objectOf(stored));
      return { kind: view.definition.listKind, apiVersion: view.apiVersion, metadata: listMetaOf(page), items };
    }
    case 'object':
      return answer.object;
    default:
      return undefined;
  }
}

function statusOf(status: JsonObject, code: number): JsonObject {
  const { status: outcome, message, reason, details } = status;
  return {
    metadata: {},
    ...(outcome !== undefined && { status: outcome }),
    ...(message !== undefined && message !== '' && { message }),
    ...(reason !== undefined && reason !== '' && { reason }),
    ...(details !== undefined && { details }),
    code,
  };
}

function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const object = value as { readonly metadata?: object; readonly items?: readonly unknown[] };
  if (Array.isArray(object.items)) return { ...object, items: object.items.map(withoutManagedFields) };
  if (!object.metadata || !('managedFields' in object.metadata)) return value;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Whoever the request came from and through, the client first. @source apimachinery util/net SourceIPs */
function sourceIps(call: Incoming): string[] {
  const [forwarded, real] = [call.header('x-forwarded-for'), call.header('x-real-ip')];
  const { remoteAddress } = call;
  const remote = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice('::ffff:'.length) : remoteAddress;
  if (forwarded === undefined && real === undefined) return remote === '' ? [] : [remote];
  const through = (forwarded ?? '').split(',').map((part) => part.trim());
  const all = [...through, real ?? '', remote].filter(isAddress);
  return all.filter((ip, i) => all.indexOf(ip) === i);
}

function isAddress(text: string): boolean {
  return /^[0-9a-f.:]{2,45}$/i.test(text);
}

/** @source apiserver endpoints/filters/authn_audit.go getAuthMethods */
function attemptedMethods(call: Incoming): string {
  const authorization = call.header('authorization') ?? '';
  const methods = [/^basic /i.test(authorization) && 'basic', /^bearer /i.test(authorization) && 'bearer'].filter(Boolean);
  return methods.length > 0 ? methods.join(', ') : 'no auth methods attempted';
}
