/**
 * `serviceaccounts/token`: a signed token for an account, for a while, for named audiences, and bound to an object with which it
 * becomes void.
 * @source kubernetes pkg/registry/core/serviceaccount/storage/token.go; pkg/apis/authentication/validation
 */
import {
  type authenticationv1,
  badRequest,
  conflict,
  corev1Resources,
  type Draft,
  fieldErrors,
  type FieldError,
  goQuote,
  invalid,
  type JsonObject,
  type KubeObject,
  notFound,
  type ResourceRef,
} from '../../api/index.ts';
import { formatTime, randomUuid } from '../../base/index.ts';
import type { ApiServerHost, SubresourceHandler } from '../extension.ts';
import type { Operation } from '../storage.ts';
import type { IssuerKeys } from './issuer-discovery.ts';
import { type BoundObject, tokenClaims, type TokenSubject } from './token-claims.ts';

/** Signs what a token says. */
export interface TokenSigner {
  /** `--service-account-issuer` */
  readonly issuer: string;
  /** What a token is for when nobody says; `--api-audiences`. */
  readonly audiences: readonly string[];
  /** @returns a compact JWT */
  sign(claims: JsonObject): string;
  /** `--service-account-max-token-expiration`; undefined: 2^32 seconds. */
  readonly maxExpirationSeconds?: number;
  /** `--service-account-extend-token-expiration`. Default true. */
  readonly extendExpiration?: boolean;
  /** Published for those who check tokens themselves; undefined: not published. */
  readonly publicKeys?: IssuerKeys;
  /** `--service-account-jwks-uri`: where clients find them when not at the API server. */
  readonly jwksUri?: string;
}

type TokenRequest = Draft<authenticationv1.TokenRequest>;

const { nodes, pods, secrets, serviceaccounts } = corev1Resources;
const defaultSeconds = 3600;
const minSeconds = 600;
const maxSeconds = 2 ** 32;
/** The lifetime that the admission plugin asks for pods, by which the server knows it. */
const injectedSeconds = 3607;
/** Old client libraries read their token once: such a token works for a year, and its use after an hour is noted. */
const extendedSeconds = 365 * 24 * 3600;

export function serviceAccountTokenHandler(host: ApiServerHost, signer: TokenSigner): SubresourceHandler {
  return async (_, target) => {
    const { namespace, name } = target;
    // The decoder has checked the kind.
    const request = (await target.decodeBody()) as unknown as TokenRequest;
    checkNames(request, { namespace, name });
    const account = host.registry.cached(serviceaccounts, { namespace, name });
    if (!account) throw notFound({ group: '', resource: 'serviceaccounts', name });
    const nowMs = host.clock.now();
    complete(request, { namespace, name, nowMs });
    const errors = validate(request);
    if (errors.length > 0) throw invalid({ group: 'authentication.k8s.io', resource: 'TokenRequest' }, errors);
    await host.admit({ operation: 'CREATE', subresource: 'token', object: request, ...target });
    // Admission sees what was asked for.
    if ((request.spec.audiences ?? []).length === 0) request.spec.audiences = [...signer.audiences];

    const subject = { namespace, serviceAccount: { name, uid: account.metadata.uid }, ...boundTo(host, request, { namespace, name }) };
    const lifetimeSeconds = shortened(request.spec.expirationSeconds!, signer, target.op);
    request.spec.expirationSeconds = lifetimeSeconds;
    const isInjected =
      (signer.extendExpiration ?? true) &&
      subject.pod !== undefined &&
      lifetimeSeconds === injectedSeconds &&
      areOwnAudiences(request.spec.audiences, signer.audiences);
    const id = randomUuid(host.random);
    const token = signer.sign(
      tokenClaims(subject, {
        issuer: signer.issuer,
        audiences: request.spec.audiences,
        nowMs,
        lifetimeSeconds: isInjected ? extendedSeconds : lifetimeSeconds,
        ...(isInjected && { warnAfterSeconds: lifetimeSeconds }),
        id,
      }),
    );
    target.op.audit?.annotate('authentication.kubernetes.io/issued-credential-id', `JTI=${id}`);
    request.status = { token, expirationTimestamp: formatTime(nowMs + lifetimeSeconds * 1000) };
    return { type: 'object', status: 201, object: request as unknown as JsonObject };
  };
}

/** No token lasts longer than the server allows; who asked for more is told. */
function shortened(seconds: number, { maxExpirationSeconds }: TokenSigner, op: Operation): number {
  if (maxExpirationSeconds === undefined || seconds <= maxExpirationSeconds) return seconds;
  op.warn(`requested expiration of ${seconds} seconds shortened to ${maxExpirationSeconds} seconds`);
  return maxExpirationSeconds;
}

interface Names {
  readonly namespace: string;
  readonly name: string;
}

function checkNames({ metadata }: TokenRequest, { namespace, name }: Names): void {
  const { invalidValue } = fieldErrors;
  const refuse = (error: FieldError): never => {
    throw invalid({ group: 'authentication.k8s.io', resource: 'TokenRequest', name }, [error]);
  };
  if (metadata?.name && metadata.name !== name) {
    refuse(invalidValue('metadata.name', metadata.name, 'must match the service account name if specified'));
  }
  if (metadata?.namespace && metadata.namespace !== namespace) {
    refuse(invalidValue('metadata.namespace', metadata.namespace, 'must match the service account namespace if specified'));
  }
}

function complete(request: TokenRequest, defaults: Names & { readonly nowMs: number }): void {
  const { name, namespace, nowMs } = defaults;
  request.metadata = { ...request.metadata, name, namespace, creationTimestamp: formatTime(nowMs) };
  request.spec ??= { audiences: [] };
  request.spec.expirationSeconds ??= defaultSeconds;
}

function validate({ spec }: TokenRequest): FieldError[] {
  const path = 'spec.expirationSeconds';
  const seconds = spec.expirationSeconds!;
  if (seconds < minSeconds) return [fieldErrors.invalidValue(path, seconds, 'may not specify a duration less than 10 minutes')];
  if (seconds > maxSeconds) return [fieldErrors.invalidValue(path, seconds, 'may not specify a duration larger than 2^32 seconds')];
  return [];
}

/** What the token is bound to. A pod's node comes along, so that a token tells where it is used. */
function boundTo(host: ApiServerHost, request: TokenRequest, { namespace, name }: Names): Partial<TokenSubject> {
  const reference = request.spec.boundObjectRef;
  if (!reference) return {};
  const { apiVersion = '', kind = '', name: boundName = '', uid } = reference;
  const [version, group] = apiVersion.split('/').toReversed();
  const find = <T extends KubeObject>(resource: ResourceRef<T>): T => {
    const found = host.registry.cached(resource, { namespace: resource.namespaced ? namespace : '', name: boundName });
    if (!found) throw notFound({ group: '', resource: resource.plural, name: boundName });
    return found;
  };
  const bound = ({ metadata }: KubeObject): BoundObject => {
    if (!uid || metadata.uid === uid) return { name: metadata.name, uid: metadata.uid };
    throw conflict(
      { group: '', resource: kind, name: boundName },
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  };
  switch (group === undefined ? kind : '') {
    case 'Pod': {
      const pod = find(pods);
      if (pod.spec.serviceAccountName !== name) {
        throw badRequest(`cannot bind token for serviceaccount ${goQuote(name)} to pod running with different serviceaccount name.`);
      }
      return { pod: bound(pod), ...(pod.spec.nodeName && { node: nodeNamed(host, pod.spec.nodeName) }) };
    }
    case 'Secret':
      return { secret: bound(find(secrets)) };
    case 'Node':
      return { node: bound(find(nodes)) };
    default:
      throw badRequest(`cannot bind token to object of type ${group ?? ''}/${version ?? ''}, Kind=${kind}`);
  }
}

function nodeNamed(host: ApiServerHost, name: string): BoundObject {
  return { name, uid: host.registry.cached(nodes, { namespace: '', name })?.metadata.uid };
}

/** The audiences are the API server's, some or all of them. */
function areOwnAudiences(a: readonly string[], b: readonly string[]): boolean {
  return a.length > 0 && a.every((audience) => b.includes(audience));
}
