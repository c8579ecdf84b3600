/** The refusal of a request that the server has no room for. @source apiserver pkg/server/filters (tooManyRequests) */
import { ApiError } from '../../api/index.ts';

export class Overloaded extends ApiError {
  readonly retryAfterSeconds: number;
  /** How the request was classified, as `Seat.headers`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(retryAfterSeconds: number, headers: Readonly<Record<string, string>> = {}) {
    super({
      code: 429,
      reason: 'TooManyRequests',
      message: 'Too many requests, please try again later.',
      details: { retryAfterSeconds },
    });
    this.retryAfterSeconds = retryAfterSeconds;
    this.headers = headers;
  }
}
