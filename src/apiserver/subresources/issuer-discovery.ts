/**
 * How others check ServiceAccount tokens without asking the API server each time: the issuer's configuration and public keys,
 * where OpenID Connect expects them.
 * @source kubernetes pkg/serviceaccount/openidmetadata.go; KEP-1393
 */
import type { JsonObject } from '../../api/index.ts';
import type { RestEndpoint } from '../extension.ts';
import type { ApiResponse } from '../request.ts';

/** The public half of what signs tokens. */
export interface IssuerKeys {
  jwks(): object;
  /** Such as `RS256`. */
  readonly algorithms: readonly string[];
}

export interface IssuerDiscoveryOptions {
  readonly issuer: string;
  readonly keys: IssuerKeys;
  /** `--service-account-jwks-uri`: where the keys are found when not here. */
  readonly jwksUri?: string;
  /** Host and port under which clients reach the server. */
  readonly serverAddress: () => string;
}

export const issuerDiscoveryPaths: readonly string[] = ['/.well-known/openid-configuration', '/openid/v1/jwks'];

/** Whether others can find an issuer of this name at all: OpenID Connect asks for an https URL, and nothing behind its path. */
export function isDiscoverable(issuer: string): boolean {
  const url = URL.parse(issuer);
  return url?.protocol === 'https:' && url.search === '' && url.hash === '';
}

export function issuerDiscoveryEndpoints({ issuer, keys, jwksUri, serverAddress }: IssuerDiscoveryOptions): RestEndpoint[] {
  const configuration = (): JsonObject => ({
    issuer,
    jwks_uri: jwksUri ?? `https://${serverAddress()}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: keys.algorithms,
  });
  return [
    endpoint('/.well-known/openid-configuration', 'application/json', configuration),
    endpoint('/openid/v1/jwks', 'application/jwk-set+json', () => keys.jwks()),
  ];
}

function endpoint(path: string, contentType: string, body: () => object): RestEndpoint {
  const answer = (): ApiResponse => ({
    type: 'bytes',
    status: 200,
    contentType,
    body: JSON.stringify(body()),
    headers: { 'Cache-Control': 'public, max-age=3600' },
  });
  return { path, methods: ['GET', 'HEAD'], handle: () => Promise.resolve(answer()) };
}
