/**
 * Tokens that somebody else is asked about: a webhook that answers TokenReviews.
 * @source apiserver plugin/pkg/authenticator/token/webhook, v1.35
 */
import type { authenticationv1, JsonObject } from '../../api/index.ts';
import { isAbort } from '../../base/index.ts';
import type { ApiServerHost } from '../extension.ts';
import { OutgoingError, type WebhookClient } from '../outgoing/index.ts';
import { intersection, type TokenAuthenticator, type TokenVerdict } from './token-authenticator.ts';
import { cachedTokens } from './token-cache.ts';

export interface WebhookTokenOptions {
  readonly client: Pick<WebhookClient, 'post'>;
  /** `--authentication-token-webhook-version` */
  readonly version: 'v1' | 'v1beta1';
  /** `--authentication-token-webhook-cache-ttl`, for good and for unknown tokens. */
  readonly cacheMs: number;
  /** For whom a token is whose review names nobody. */
  readonly audiences: readonly string[];
}

export function webhookTokens({ clock, signal, log }: ApiServerHost, options: WebhookTokenOptions): TokenAuthenticator {
  const apiVersion = `authentication.k8s.io/${options.version}`;
  const ask: TokenAuthenticator = async (token, audiences) => {
    const review = { apiVersion, kind: 'TokenReview', metadata: {}, spec: { token, audiences: [...audiences] } };
    try {
      return verdictOf(await options.client.post(review, signal), audiences, options.audiences);
    } catch (error) {
      if (isAbort(error, signal)) return { failure: 'the server is shutting down' };
      if (!(error instanceof OutgoingError)) throw error;
      log.error('Failed to make webhook authenticator request', { err: error });
      return { failure: error.message };
    }
  };
  return cachedTokens(ask, { clock, successMs: options.cacheMs, failureMs: options.cacheMs });
}

/** @param implicit for whom the token is when the review names nobody. Pure. */
export function verdictOf(review: JsonObject, wanted: readonly string[], implicit: readonly string[]): TokenVerdict {
  const { authenticated, error, user, audiences } = readStatus(review['status']);
  const common = intersection(wanted, audiences.length > 0 ? audiences : implicit);
  if (common.length === 0) return undefined;
  if (!authenticated) return error === '' ? undefined : { failure: error };
  return { user, audiences: common };
}

/** What comes from outside is looked at field by field; what is not as it should be is not there. */
function readStatus(value: unknown) {
  const status = record(value);
  const user = record(status['user']) as { [K in keyof authenticationv1.UserInfo]: unknown };
  const extra = Object.entries(record(user.extra)).map(([key, values]) => [key, strings(values)] as const);
  return {
    authenticated: status['authenticated'] === true,
    error: text(status['error']),
    audiences: strings(status['audiences']),
    user: {
      name: text(user.username),
      ...(text(user.uid) !== '' && { uid: text(user.uid) }),
      groups: strings(user.groups),
      ...(extra.length > 0 && { extra: Object.fromEntries(extra) }),
    },
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
