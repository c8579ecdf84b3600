/**
 * Looks into the files that flags name, as the API server will when it starts, so that whoever gives the flags is told at once. The door is
 * one of its own: reading these files needs more than knowing the flags.
 */
import { readFileSync } from 'node:fs';
import { checkAdmissionConfiguration } from '../../admission/index.ts';
import { AuditPolicy } from '../../audit/index.ts';
import { readAuthorities } from '../../auth/client-certificate.ts';
import { readServiceAccountKeys } from '../../auth/configured-signer.ts';
import { readAuthenticationConfig } from '../../auth/oidc/authentication-config.ts';
import { readAuthorizationConfig } from '../../authorization/configuration/authorization-config.ts';
import { readTokenFile } from '../../auth/token-file.ts';
import { parseEncryptionConfig } from '../../encryption/index.ts';
import { readWebhookConfig } from '../../outgoing/index.ts';
import type { FlagValues } from '../flag-table.ts';

/** Reads a file as its flag means it; throws when it cannot be used. */
type FileCheck = (path: string, flags: FlagValues) => unknown;

/** By the name of their flag; a file without a check only has to be there. */
const checks: { readonly [Name in keyof FlagValues]?: FileCheck } = {
  'admission-control-config-file': checkAdmissionConfiguration,
  'audit-policy-file': (path) => AuditPolicy.parse(read(path), path),
  'audit-webhook-config-file': readWebhookConfig,
  'authentication-config': (path, flags) => readAuthenticationConfig(read(path), flags['service-account-issuer'] ?? []),
  'authentication-token-webhook-config-file': readWebhookConfig,
  'authorization-config': (path) => {
    for (const { webhook } of readAuthorizationConfig(read(path))) if (webhook) readWebhookConfig(webhook.kubeconfigFile);
  },
  'authorization-webhook-config-file': readWebhookConfig,
  'encryption-provider-config': (path) => parseEncryptionConfig(read(path), path),
  'oidc-ca-file': requireCertificates,
  'requestheader-client-ca-file': requireCertificates,
  'service-account-key-file': (_, flags) => readServiceAccountKeys(flags),
  'service-account-signing-key-file': (_, flags) => readServiceAccountKeys(flags),
  'token-auth-file': (path) => readTokenFile(read(path), path),
};

/** What is wrong with the files; empty when nothing is. */
export function flagFileFaults(flags: FlagValues): string[] {
  return Object.entries(checks).flatMap(([name, check]) => {
    const path = flags[name as keyof FlagValues];
    const paths = (Array.isArray(path) ? path : [path]) as readonly unknown[];
    try {
      for (const each of paths) if (typeof each === 'string' && each !== '') check(each, flags);
      return [];
    } catch (error) {
      // Whatever a reader finds wrong is for a person to read.
      return [`--${name}: ${(error as Error).message}`];
    }
  });
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

function requireCertificates(path: string): void {
  if (readAuthorities(read(path)).length === 0) throw new Error(`${path} holds no certificate`);
}
