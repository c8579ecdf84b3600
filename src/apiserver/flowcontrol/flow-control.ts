/** The seam of flow control: what the filter asks for, and what it gets. */
import type { RequestInfo, UserInfo } from '../request.ts';

export interface FlowRequest {
  readonly user: UserInfo;
  readonly info: RequestInfo;
  /** HTTP method, upper case. */
  readonly method: string;
  /** Aborts when the client goes away; only asked for by a request that has to wait. */
  readonly signal: AbortSignal;
}

/** Part of what the server does at once, taken by one request. */
export interface Seat {
  /** Headers that tell a client how its request was classified; undefined when nothing was. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Gives it back; the second time does nothing. */
  release(): void;
}

export interface FlowControl {
  /**
   * Answers at once unless the request has to wait; undefined when nothing is limited for it.
   * @throws Overloaded at once or from the promise
   */
  admit(request: FlowRequest): Seat | undefined | Promise<Seat | undefined>;
}
