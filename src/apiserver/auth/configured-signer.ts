/**
 * Who signs ServiceAccount tokens and whose signatures are believed, by flags over what the cluster brings along. Key files that a flag names
 * are read here, at the start.
 * @source kubernetes pkg/kubeapiserver/options/authentication.go, cmd/kube-apiserver/app/options/completion.go, v1.35
 */
import { readFileSync } from 'node:fs';
import { ServiceAccountKeys } from '../../pki/index.ts';
import type { FlagValues } from '../flags/index.ts';
import type { TokenSigner } from '../subresources/index.ts';

/** A signer that also knows signatures of its own. */
export interface ServiceAccountSigner extends TokenSigner {
  /** The claims of a token that one of the keys signed; undefined for any other text. */
  readonly verifySignature: (token: string) => unknown;
}

/**
 * @param own what the cluster signs with when no flag says otherwise; its signatures are believed in any case
 * @throws PkiError when a key file holds something else
 */
export function configuredSigner(
  flags: FlagValues,
  own: ServiceAccountSigner,
): ServiceAccountSigner & {
  /** `--service-account-issuer`: the first signs, all are believed. */
  readonly issuers: readonly string[];
} {
  const issuers = flags['service-account-issuer'] ?? [own.issuer];
  const longestMs = flags['service-account-max-token-expiration'];
  const extendExpiration = flags['service-account-extend-token-expiration'];
  const jwksUri = flags['service-account-jwks-uri'];
  return {
    ...withKeys(flags, own),
    issuers,
    issuer: issuers[0]!,
    audiences: flags['api-audiences'] ?? issuers,
    ...(longestMs !== undefined && { maxExpirationSeconds: Math.floor(longestMs / 1000) }),
    ...(extendExpiration !== undefined && { extendExpiration }),
    ...(jwksUri !== undefined && { jwksUri }),
  };
}

function withKeys(flags: FlagValues, own: ServiceAccountSigner): ServiceAccountSigner {
  const keys = readServiceAccountKeys(flags);
  if (!keys) return own;
  const publicKeys = {
    jwks: () => {
      const ownSet: { readonly keys?: readonly object[] } = own.publicKeys?.jwks() ?? {};
      return { keys: [...keys.jwks().keys, ...(ownSet.keys ?? [])] };
    },
    algorithms: [...new Set([...keys.algorithms, ...(own.publicKeys?.algorithms ?? [])])].toSorted(),
  };
  return {
    ...own,
    publicKeys,
    verifySignature: (token) => keys.verify(token) ?? own.verifySignature(token),
    ...(flags['service-account-signing-key-file'] && { sign: (claims: object) => keys.sign(claims) }),
  };
}

/** The keys of the files that flags name; undefined when they name none. @throws PkiError */
export function readServiceAccountKeys(flags: FlagValues): ServiceAccountKeys | undefined {
  const signingFile = flags['service-account-signing-key-file'];
  const keyFiles = flags['service-account-key-file'] ?? [];
  if (!signingFile && keyFiles.length === 0) return undefined;
  return new ServiceAccountKeys({
    ...(signingFile && { signingKey: readFileSync(signingFile, 'utf8') }),
    verificationKeys: keyFiles.flatMap((file) => pemBlocks(readFileSync(file, 'utf8'))),
  });
}

/** A file may hold several keys. One without any is left to whoever reads it. */
function pemBlocks(text: string): readonly string[] {
  return text.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g) ?? [text];
}
