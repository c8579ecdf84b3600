/**
 * One authenticated HTTP request: what the handler chain, endpoints and custom subresources see of it. One object for all of them,
 * since this is made for every request.
 */
import type { Clock, Logger } from '../../base/index.ts';
import { fenceHeader } from '../../client/index.ts';
import type { RequestContext, RequestInfo, UpgradeRequest, UserInfo } from '../request.ts';
import type { RequestAudit } from '../audit/index.ts';
import { anonymousUser } from '../auth/users.ts';
import type { FilteredCall } from '../filters/index.ts';
import type { Seat } from '../flowcontrol/index.ts';
import type { BodySource } from '../verbs/body.ts';
import type { RequestDeadlines } from './request-deadlines.ts';
import { type Exchange, maxRequestBodyBytes } from './exchange.ts';

/** Most warnings, and most bytes of them, that one answer carries. @source apiserver filters/warning.go */
const maxWarningBytes = 4 * 1024;

/** What all requests of a server share. */
export interface CallServer {
  readonly clock: Clock;
  readonly log: Logger;
  readonly deadlines: RequestDeadlines;
  readonly nextAuditId: () => string;
}

export class HttpCall implements FilteredCall, RequestContext {
  /** Nobody in particular until the request is authenticated. */
  user: UserInfo = anonymousUser;
  audit: RequestAudit | undefined = undefined;
  seat: Seat | undefined = undefined;
  readonly info: RequestInfo;
  readonly exchange: Exchange;
  readonly #server: CallServer;
  #warnings: string[] | undefined;
  #warningBytes = 0;
  #auditId: string | undefined;

  constructor(exchange: Exchange, about: { readonly info: RequestInfo; readonly server: CallServer }) {
    this.exchange = exchange;
    this.info = about.info;
    this.#server = about.server;
  }

  get clock(): Clock {
    return this.#server.clock;
  }

  get log(): Logger {
    return this.#server.log;
  }

  get method(): string {
    return this.exchange.method;
  }

  get target(): string {
    return this.exchange.target;
  }

  get signal(): AbortSignal {
    return this.exchange.signal;
  }

  get remoteAddress(): string {
    return this.exchange.remoteAddress;
  }

  get upgrade(): UpgradeRequest | undefined {
    return this.exchange.upgrade;
  }

  /** The client's own, or one made for it. */
  get auditId(): string {
    return (this.#auditId ??= this.exchange.header('audit-id') || this.#server.nextAuditId());
  }

  get userAgent(): string {
    return this.exchange.header('user-agent') ?? '';
  }

  get fence(): string | undefined {
    return this.exchange.header(fenceHeader);
  }

  get warnings(): readonly string[] {
    return this.#warnings ?? [];
  }

  headers(): Readonly<Record<string, string | readonly string[] | undefined>> {
    return this.exchange.headers();
  }

  header(name: string): string | undefined {
    return this.exchange.header(name);
  }

  body(): Promise<Buffer> {
    return this.exchange.body(maxRequestBodyBytes, this.#server.deadlines);
  }

  bodyStream(): AsyncIterable<Uint8Array> {
    return this.exchange.bodyStream();
  }

  readBody(): Promise<BodySource> {
    const contentType = this.exchange.header('content-type') ?? '';
    return this.body().then((bytes) => ({ contentType, bytes, value: undefined }));
  }

  context(): RequestContext {
    return this;
  }

  warn(message: string): void {
    const warnings = (this.#warnings ??= []);
    if (warnings.includes(message) || this.#warningBytes + message.length > maxWarningBytes) return;
    this.#warningBytes += message.length;
    warnings.push(message);
  }
}

/** The value of a `Warning` header. @source RFC 7234, 5.5; apimachinery util/net NewWarningHeader */
export function warningHeader(message: string): string {
  // Header values are ASCII without control characters.
  const text = message.replace(/[^\x20-\x7e]/g, (char) => (char < ' ' ? ' ' : '?')).replace(/["\\]/g, '\\$&');
  return `299 - "${text}"`;
}
