/** A request after authentication, as the handler chain takes it from either transport. */
import type { RequestContext, RequestInfo } from '../request.ts';
import type { Operation } from '../storage.ts';
import type { BodySource } from '../verbs/body.ts';

export interface Incoming extends Operation {
  readonly info: RequestInfo;
  /** HTTP method, upper case. */
  readonly method: string;
  readonly userAgent: string;
  /** The fence of an elected component, as `fenceHeader` carries it. */
  readonly fence: string | undefined;
  readBody(): Promise<BodySource>;
  /** The request as endpoints and custom subresources see it. */
  context(): RequestContext;
}
