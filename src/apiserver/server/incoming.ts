/** A request after authentication, as the handler chain takes it from either transport. */
import type { RequestContext, RequestInfo } from '../request.ts';
import type { Operation } from '../storage.ts';
import type { BodySource } from '../verbs/body.ts';

export interface Incoming extends Operation {
  readonly info: RequestInfo;
  /** HTTP method, upper case. */
  readonly method: string;
  /** Path and query as they stand on the wire. */
  readonly target: string;
  /** The client's address, empty in-process. */
  readonly remoteAddress: string;
  /** The id of the request's audit event, which the answer carries too. */
  readonly auditId: string;
  readonly userAgent: string;
  /** @param name lower case */
  header(name: string): string | undefined;
  readonly fence: string | undefined;
  readBody(): Promise<BodySource>;
  /** The request as endpoints and custom subresources see it. */
  context(): RequestContext;
}
