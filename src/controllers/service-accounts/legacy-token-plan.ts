/**
 * Which tokens of old may be given up: those that were made for accounts by themselves, of which nobody has had use for long. They are marked
 * first and deleted after as long again. Pure.
 * @source pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import { isOf, ownerOf } from './token-secrets.ts';

export const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
export const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';
const dayMs = 86_400_000;

export interface LegacyTokenInput {
  readonly secrets: readonly corev1.Secret[];
  readonly accountOf: (key: { readonly namespace: string; readonly name: string }) => corev1.ServiceAccount | undefined;
  /** Whether a pod names the Secret. */
  readonly isInUse: (secret: corev1.Secret) => boolean;
  readonly nowMs: number;
  /** How long a token must have been unused. */
  readonly cleanUpPeriodMs: number;
  /** First day of which uses were noted, as the ConfigMap has it; undefined: it does not say. */
  readonly trackedSince: string | undefined;
}

export interface LegacyTokenPlan {
  /** To be marked as no longer valid. */
  readonly invalidate: readonly corev1.Secret[];
  readonly remove: readonly corev1.Secret[];
}

export function planLegacyTokens(input: LegacyTokenInput): LegacyTokenPlan {
  const { secrets, nowMs, cleanUpPeriodMs, trackedSince } = input;
  const preservedMs = nowMs - cleanUpPeriodMs;
  const preservedDay = dayOf(preservedMs);
  // The first day may have begun before its uses were noted.
  if (!isDay(trackedSince) || preservedMs < Date.parse(trackedSince) + dayMs) return { invalidate: [], remove: [] };
  const unused = secrets.filter((secret) => {
    const { creationTimestamp, deletionTimestamp, labels } = secret.metadata;
    if (Date.parse(creationTimestamp) >= preservedMs || deletionTimestamp !== undefined) return false;
    const lastUsed = labels?.[lastUsedLabel];
    if (lastUsed !== undefined && (!isDay(lastUsed) || lastUsed >= preservedDay)) return false;
    return isMadeForAccount(secret, input) && !input.isInUse(secret);
  });
  const invalidSince = ({ metadata }: corev1.Secret): string | undefined => metadata.labels?.[invalidSinceLabel];
  return {
    invalidate: unused.filter((secret) => !isDay(invalidSince(secret))),
    remove: unused.filter((secret) => {
      const since = invalidSince(secret);
      return isDay(since) && since < preservedDay;
    }),
  };
}

/** The account lists it: otherwise somebody may have asked for it. */
function isMadeForAccount(secret: corev1.Secret, { accountOf }: LegacyTokenInput): boolean {
  const owner = ownerOf(secret);
  const account = owner && accountOf(owner);
  return (
    owner !== undefined &&
    account !== undefined &&
    isOf(owner, account) &&
    (account.secrets ?? []).some(({ name }) => name === secret.metadata.name)
  );
}

/** `2026-01-31`. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 'YYYY-MM-DD'.length);
}

function isDay(text: string | undefined): text is string {
  return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && dayOf(Date.parse(text)) === text;
}

export function formatLegacyTokenPlan({ invalidate, remove }: LegacyTokenPlan): string {
  const lines = [
    ...invalidate.map(({ metadata }) => `invalidate ${metadata.name}`),
    ...remove.map(({ metadata }) => `remove ${metadata.name}`),
  ];
  return lines.join('\n') || 'nothing';
}
