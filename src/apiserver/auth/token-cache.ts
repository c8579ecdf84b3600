/**
 * Remembers for a while what was found out about a token, because a busy client shows the same one with each request. Whoever asks for a
 * token that is being looked at waits for the same answer.
 * @source apiserver pkg/authentication/token/cache, v1.35
 */
import type { Clock } from '../../base/index.ts';
import type { TokenAuthenticator, TokenVerdict } from './token-authenticator.ts';

/** The oldest goes when there are more. */
const maxCachedTokens = 4_096;
/** A longer one is looked at each time: nobody may fill the memory with what he sends. */
const maxCachedLength = 16_384;

export interface TokenCacheOptions {
  readonly clock: Clock;
  /** How long a token that was found good is believed; 0: not at all. */
  readonly successMs: number;
  /** How long a token that nobody knew is refused without asking again; 0: it is asked about each time. */
  readonly failureMs: number;
  /** The audiences that nearly everybody asks with. */
  readonly usual?: readonly string[];
}

interface Remembered {
  readonly verdict: TokenVerdict;
  readonly untilMs: number;
}

export function cachedTokens(inner: TokenAuthenticator, { clock, successMs, failureMs, usual }: TokenCacheOptions): TokenAuthenticator {
  const known = new Map<string, Remembered>();
  const asking = new Map<string, Promise<TokenVerdict>>();

  const remember = (key: string, verdict: TokenVerdict): TokenVerdict => {
    const isIdentity = verdict !== undefined && 'user' in verdict;
    // A failure may be the network's and gone in a moment.
    const lifeMs = isIdentity ? successMs : verdict === undefined ? failureMs : 0;
    if (lifeMs > 0) {
      if (known.size >= maxCachedTokens) known.delete(known.keys().next().value!);
      known.set(key, { verdict, untilMs: clock.monotonic() + lifeMs });
    }
    return verdict;
  };

  return (token, audiences) => {
    if (token.length > maxCachedLength) return inner(token, audiences);
    // Requests ask with one and the same list: their key is the token alone, which no line break is part of.
    const key = audiences === usual ? token : `${audiences.join('\n')}\n\n${token}`;
    const remembered = known.get(key);
    if (remembered && remembered.untilMs > clock.monotonic()) return remembered.verdict;
    known.delete(key);
    const pending = asking.get(key);
    if (pending) return pending;
    const verdict = inner(token, audiences);
    if (!(verdict instanceof Promise)) return remember(key, verdict);
    const settled = verdict
      .then((answer) => remember(key, answer))
      .finally(() => {
        asking.delete(key);
      });
    asking.set(key, settled);
    return settled;
  };
}
