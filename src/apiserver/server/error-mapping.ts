/** The one place where errors become Status: what is no API error yet is told apart here, and a bug never shows its stack. */
import { ApiError, internalError, serviceUnavailable, tooManyRequests } from '../../api/index.ts';
import { isAbort, type Logger } from '../../base/index.ts';
import { CompactedError, StoreBusyError, StoreClosedError, StoreError, StoreFullError } from '../../store/index.ts';
import { expired } from '../../api/index.ts';

export function toApiError(error: unknown, log: Logger): ApiError {
  if (error instanceof ApiError) return error;
  if (isAbort(error)) return serviceUnavailable('the request was cancelled');
  if (error instanceof StoreBusyError) return tooManyRequests('the store is busy, please try again later', 1);
  if (error instanceof CompactedError) return expired('The resourceVersion for the provided list is too old.');
  if (error instanceof StoreFullError) {
    return new ApiError({ code: 507, reason: 'InternalError', message: `the store is full: ${error.message}` }, { cause: error });
  }
  if (error instanceof StoreClosedError) return serviceUnavailable('the server is shutting down');
  log.error('request failed', { err: error });
  if (error instanceof StoreError) return serviceUnavailable(`the store does not answer: ${error.message}`);
  return internalError(error);
}
