/**
 * Tokens of service accounts for pods: asked for once, renewed at 80 % of their life and at 24 hours at the latest, and served from
 * memory while the API server is away as long as they are valid.
 * @source pkg/kubelet/token/token_manager.go (v1.35)
 */
import { type corev1, corev1Resources, isApiError } from '../../api/index.ts';
import type { Clock, Random } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { VolumeError } from '../seams.ts';

const maxAgeMs = 24 * 3_600_000;
const maxJitterMs = 10_000;

export interface TokenRequest {
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

interface Held {
  readonly token: string;
  readonly podUid: string;
  readonly expiresMs: number;
  readonly renewMs: number;
}

export class ServiceAccountTokens {
  readonly #deps: { readonly client: Client; readonly clock: Clock; readonly random: Random };
  readonly #held = new Map<string, Held>();

  constructor(deps: { readonly client: Client; readonly clock: Clock; readonly random: Random }) {
    this.#deps = deps;
  }

  /** A token bound to the pod. @throws VolumeError when there is none and none can be had */
  async get(pod: corev1.Pod, request: TokenRequest, signal: AbortSignal): Promise<string> {
    const { namespace, uid } = pod.metadata;
    const account = pod.spec.serviceAccountName ?? 'default';
    const key = JSON.stringify([namespace, account, request.audiences, request.expirationSeconds, uid]);
    const held = this.#held.get(key);
    const nowMs = this.#deps.clock.now();
    if (held && nowMs < held.renewMs) return held.token;
    try {
      const fresh = await this.#request(pod, account, request, signal);
      this.#held.set(key, fresh);
      return fresh.token;
    } catch (error) {
      signal.throwIfAborted();
      if (held && nowMs < held.expiresMs) return held.token;
      const reason = error instanceof Error ? error.message : String(error);
      throw new VolumeError(isApiError(error) ? `failed to fetch token: ${reason}` : reason, { cause: error });
    }
  }

  /** Forgets the tokens of a pod that is gone. */
  forget(podUid: string): void {
    for (const [key, held] of this.#held) if (held.podUid === podUid) this.#held.delete(key);
  }

  async #request(pod: corev1.Pod, account: string, request: TokenRequest, signal: AbortSignal): Promise<Held> {
    const { client, clock, random } = this.#deps;
    const { name, namespace, uid } = pod.metadata;
    const askedMs = clock.now();
    const answer = await client.subresource(
      corev1Resources.serviceaccounts,
      { namespace, name: account },
      {
        name: 'token',
        verb: 'create',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: {},
          spec: { ...request, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
        },
      },
      { signal },
    );
    const { token, expirationTimestamp } = (answer['status'] ?? {}) as { token?: string; expirationTimestamp?: string };
    const expiresMs = Date.parse(expirationTimestamp ?? '');
    if (!token || Number.isNaN(expiresMs))
      throw new VolumeError(`failed to fetch token: the answer for ${namespace}/${account} holds none`);
    // The server may give a longer or shorter life than was asked for.
    const lifeMs = expiresMs - askedMs;
    const renewMs = Math.min(expiresMs - lifeMs * 0.2, askedMs + maxAgeMs) - random.next() * maxJitterMs;
    return { token, podUid: uid, expiresMs, renewMs };
  }
}
