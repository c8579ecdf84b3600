/**
 * What an administrator says of one issuer of tokens, by flags or in a file: whom to ask for keys, for whom tokens must be, and which claims
 * name the user. Data only.
 * @source apiserver pkg/apis/apiserver/types.go (JWTAuthenticator), v1.35
 */

/** A claim that becomes a name, with something in front of it. */
export interface PrefixedClaim {
  readonly claim: string;
  readonly prefix: string;
}

export interface JwtAuthenticator {
  /** As tokens name their issuer; `https` only. */
  readonly issuerUrl: string;
  /** Where the issuer's configuration is, when not below its URL. */
  readonly discoveryUrl?: string;
  /** PEM; undefined: the system's authorities. */
  readonly certificateAuthority?: string;
  /** A token must be for one of these. */
  readonly audiences: readonly string[];
  readonly username: PrefixedClaim;
  /** Undefined: no groups. */
  readonly groups?: PrefixedClaim;
  readonly uidClaim?: string;
  /** Claims that must be there with these values. */
  readonly requiredClaims: ReadonlyMap<string, string>;
  readonly signingAlgorithms: readonly string[];
}

export const signingAlgorithms: readonly string[] = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];
