/**
 * The seam of authorization: who asks, what is asked for, and what is decided. Every authorizer, and everything that asks one
 * (the handler chain, impersonation, reviews, admission plugins, escalation checks), meets here.
 * An answer comes at once unless a webhook has to be asked, so callers test for a promise instead of awaiting: it runs on every
 * request.
 * @source apiserver pkg/authorization/authorizer/interfaces.go, v1.35
 */
import { ApiError } from '../../api/index.ts';
import type { QueryParameters, UserInfo } from '../request.ts';
import type { AccessSelectors } from './selectors.ts';

/** `no-opinion` lets the next authorizer of a chain speak; at the end of the chain it is a refusal. */
export type Decision = 'allow' | 'deny' | 'no-opinion';

export interface Verdict {
  readonly decision: Decision;
  /** Why, as the refusal, reviews and the audit log say it; empty when there is nothing to say. */
  readonly reason: string;
  /** What kept an authorizer from finding out. A refusal with it is a failure of the server (500), not a 403. */
  readonly error?: string;
}

/** What is asked for. A `RequestInfo` is one; reviews and admission plugins make their own with `resourceAccess` or `pathAccess`. */
export interface Access {
  readonly isResourceRequest: boolean;
  /** Verbs of resources, or of policies (`bind`, `escalate`, `impersonate`, `approve`, `sign`); for paths the HTTP method in lower case. */
  readonly verb: string;
  /** Only looked at for paths. */
  readonly path: string;
  readonly apiGroup: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for cluster-scoped and all-namespace accesses. */
  readonly namespace: string;
  /** Empty for list, create and the like. */
  readonly name: string;
  /** The query of a request, which its selectors are read from when an authorizer wants them. */
  readonly query?: QueryParameters;
  /** The selectors of a review; they win over `query`. */
  readonly selectors?: AccessSelectors;
}

/** Must not throw; a promise must not reject. */
export type Authorizer = (user: UserInfo, access: Access) => Verdict | Promise<Verdict>;

export const noOpinion: Verdict = { decision: 'no-opinion', reason: '' };
export const allowed: Verdict = { decision: 'allow', reason: '' };

/** An access to a resource, for those who ask on somebody's behalf; what is left out is empty. */
export function resourceAccess(
  access: Pick<Access, 'verb' | 'resource'> & Partial<Omit<Access, 'isResourceRequest' | 'path' | 'query'>>,
): Access {
  return { isResourceRequest: true, path: '', apiGroup: '', version: '*', subresource: '', namespace: '', name: '', ...access };
}

/** An access to a path outside the resources. */
export function pathAccess(verb: string, path: string): Access {
  return {
    isResourceRequest: false,
    verb,
    path,
    apiGroup: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
  };
}

/**
 * Goes on when the verdict allows it, at once when the verdict is there. Acting as somebody is refused also when no authorizer could find
 * out.
 * @source apiserver endpoints/filters/impersonation.go, v1.35
 * @throws ApiError Forbidden
 */
export function whenAllowed<T>(authorize: Authorizer, user: UserInfo, access: Access, next: () => T): T | Promise<Awaited<T>> {
  const verdict = authorize(user, access);
  if (verdict instanceof Promise) return afterVerdict(verdict, user, access, next);
  if (verdict.decision !== 'allow') throw forbiddenRequest(user, access, verdict.reason);
  return next();
}

async function afterVerdict<T>(verdict: Promise<Verdict>, user: UserInfo, access: Access, next: () => T): Promise<Awaited<T>> {
  const settled = await verdict;
  if (settled.decision !== 'allow') throw forbiddenRequest(user, access, settled.reason);
  return next() as Awaited<T>;
}

/** The error that a client gets for a verdict that is not `allow`. */
export function refusalOf(user: UserInfo, access: Access, { reason, error }: Verdict): ApiError {
  if (error === undefined) return forbiddenRequest(user, access, reason);
  const message = `Internal Server Error: ${JSON.stringify(access.path)}: ${error}`;
  return new ApiError({ code: 500, reason: 'InternalError', message, details: {} });
}

/** The refusal in upstream's words. @source apiserver responsewriters/errors.go */
export function forbiddenRequest(user: UserInfo, access: Access, reason: string): ApiError {
  const who = `User ${JSON.stringify(user.name)} cannot ${access.verb}`;
  const why = reason === '' ? '' : `: ${reason}`;
  if (!access.isResourceRequest) {
    const message = `forbidden: ${who} path ${JSON.stringify(access.path)}${why}`;
    return new ApiError({ code: 403, reason: 'Forbidden', message, details: {} });
  }
  const { apiGroup, resource, subresource, namespace, name } = access;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const qualified = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  const subject = name === '' ? qualified : `${qualified} ${JSON.stringify(name)}`;
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${subject} is forbidden: ${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(apiGroup)} ${where}${why}`,
    details: { ...(name !== '' && { name }), ...(apiGroup !== '' && { group: apiGroup }), kind: resource },
  });
}
