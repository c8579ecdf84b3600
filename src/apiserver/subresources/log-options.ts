/**
 * The query of `pods/log`: read, checked, and as the kubelet takes it. Pure.
 * @source kubernetes pkg/apis/core/validation ValidatePodLogOptions; pkg/registry/core/pod/strategy.go LogLocation
 */
import { badRequest, type FieldError, fieldErrors, invalid } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import type { QueryParameters } from '../request.ts';
import { booleanParameter } from '../routing/query.ts';

export interface LogOptions {
  /** Empty when the request names none. */
  readonly container: string;
  readonly insecureSkipTLSVerifyBackend: boolean;
  /** The query for the kubelet, with its `?`; empty when there is nothing to say. */
  readonly kubeletQuery: string;
}

const { forbidden, invalidValue } = fieldErrors;

/** @throws ApiError BadRequest for what is no number or no time, Invalid for what makes no sense */
export function parseLogOptions(query: QueryParameters, podName: string): LogOptions {
  const sinceSeconds = integer(query, 'sinceSeconds');
  const sinceTime = time(query, 'sinceTime');
  const tailLines = integer(query, 'tailLines');
  const limitBytes = integer(query, 'limitBytes');
  const errors: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0n) {
    errors.push(invalidValue('tailLines', tailLines, 'must be greater than or equal to 0'));
  }
  if (limitBytes !== undefined && limitBytes < 1n) errors.push(invalidValue('limitBytes', limitBytes, 'must be greater than 0'));
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    errors.push(forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1n) {
    errors.push(invalidValue('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  }
  if (errors.length > 0) throw invalid({ group: '', resource: 'PodLogOptions', name: podName }, errors);

  const kubelet = new URLSearchParams();
  if (booleanParameter(query, 'follow')) kubelet.set('follow', 'true');
  if (limitBytes !== undefined) kubelet.set('limitBytes', String(limitBytes));
  if (booleanParameter(query, 'previous')) kubelet.set('previous', 'true');
  if (sinceSeconds !== undefined) kubelet.set('sinceSeconds', String(sinceSeconds));
  if (sinceTime !== undefined) kubelet.set('sinceTime', sinceTime);
  if (tailLines !== undefined) kubelet.set('tailLines', String(tailLines));
  if (booleanParameter(query, 'timestamps')) kubelet.set('timestamps', 'true');
  return {
    container: query.get('container') ?? '',
    insecureSkipTLSVerifyBackend: booleanParameter(query, 'insecureSkipTLSVerifyBackend'),
    kubeletQuery: kubelet.size > 0 ? `?${kubelet.toString()}` : '',
  };
}

function integer(query: QueryParameters, name: string): bigint | undefined {
  const text = query.get(name);
  if (text === undefined || text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(64, value) !== value) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

/** RFC 3339 in, RFC 3339 with whole seconds in UTC out. */
function time(query: QueryParameters, name: string): string | undefined {
  const text = query.get(name);
  if (text === undefined || text === '') return undefined;
  const epochMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(epochMs))
    throw badRequest(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)}`);
  return formatTime(epochMs);
}
