/**
 * The `scale` subresource of whatever has one, built in or custom, found by group and kind as objects refer to it. What is served is asked
 * once and remembered; a kind that is not known is asked for again, for it may have come since.
 * @source client-go scale (ScalesGetter) and restmapper, v1.35
 */
import { type autoscalingv1, goQuote, isApiError, type ResourceRef } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import { type Client, discover } from '../../client/index.ts';

export type Scale = autoscalingv1.Scale;

/** A kind as owner references and `scaleTargetRef` name it. */
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
  /** Undefined: any that is served, the preferred first. */
  readonly version?: string;
}

/** Why there is no scale, in the words that users see. */
export class ScaleError extends Error {
  override readonly name = 'ScaleError';
}

/** Kinds that nobody serves are not asked for more often than this. */
const askAgainMs = 5_000;

export class ScaleTargets {
  readonly #client: Client;
  readonly #clock: Clock;
  #known: { readonly atMs: number; readonly refs: Promise<readonly ResourceRef[]> } | undefined;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * The resources of a kind, at least one.
   * @throws ScaleError when there is none
   */
  async resourcesOf(wanted: GroupKind, signal: AbortSignal): Promise<readonly ResourceRef[]> {
    const isWanted = ({ group, kind, version }: ResourceRef): boolean =>
      group === wanted.group && kind === wanted.kind && (wanted.version === undefined || version === wanted.version);
    let found = (await this.#resources(Number.POSITIVE_INFINITY, signal)).filter(isWanted);
    if (found.length === 0) found = (await this.#resources(askAgainMs, signal)).filter(isWanted);
    if (found.length > 0) return found;
    const { group, kind, version } = wanted;
    const where = version === undefined ? `group ${goQuote(group)}` : `version ${goQuote(group === '' ? version : `${group}/${version}`)}`;
    throw new ScaleError(`no matches for kind ${goQuote(kind)} in ${where}`);
  }

  /** @throws ApiError */
  async get(resource: ResourceRef, key: { readonly namespace: string; readonly name: string }, signal: AbortSignal): Promise<Scale> {
    // Scales of every resource are of one kind and version.
    return (await this.#client.subresource(resource, key, { name: 'scale', verb: 'get' }, { signal })) as unknown as Scale;
  }

  /** @throws ApiError Conflict when the resource has changed since the scale was read */
  async setReplicas(resource: ResourceRef, scale: Scale, replicas: number, signal: AbortSignal): Promise<void> {
    const body = { ...scale, spec: { ...scale.spec, replicas } };
    const call = { name: 'scale', verb: 'update', body: JSON.parse(JSON.stringify(body)) } as const;
    await this.#client.subresource(resource, scale.metadata, call, { signal });
  }

  async #resources(maxAgeMs: number, signal: AbortSignal): Promise<readonly ResourceRef[]> {
    const nowMs = this.#clock.monotonic();
    if (this.#known && nowMs - this.#known.atMs < maxAgeMs) return this.#known.refs;
    const refs = this.#discover(signal);
    this.#known = { atMs: nowMs, refs };
    try {
      return await refs;
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
  }

  async #discover(signal: AbortSignal): Promise<readonly ResourceRef[]> {
    const { resources } = await discover(this.#client.transport, { signal });
    return resources.toSorted((a, b) => Number(b.preferred) - Number(a.preferred)).map(({ ref }) => ref);
  }
}

/** The object is there or not; what is missing is the subresource. */
export function hasNoScale(error: unknown): boolean {
  return isApiError(error, 'NotFound') && error.details?.name === undefined;
}
