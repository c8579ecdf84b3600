/**
 * How many seats a request takes: one, but for lists of much, and for writes that many watch.
 * @source apiserver util/flowcontrol/request (list and mutating work estimators), v1.35
 */
import type { CollectionUsage } from '../extension.ts';
import type { RequestInfo } from '../request.ts';

export interface RequestWidth {
  readonly seats: number;
  /** Seats that are taken for `finalMs` after the answer, while watches are told. */
  readonly finalSeats: number;
  readonly finalMs: number;
}

export const oneSeat: RequestWidth = { seats: 1, finalSeats: 0, finalMs: 0 };

const bytesPerSeat = 100_000;
/** What a list from the cache has in memory at most, since it is streamed. */
const maxStreamedBytes = 1_000_000;
const maxListSeats = 100;
const maxMutatingSeats = 10;
const watchesPerSeat = 10;
const eventMs = 5;
/** The most that one request takes of its level. */
const maxShareOfLevel = 0.15;

/** @param nominalSeats of the level, which no request takes whole */
export function widthOf(
  info: RequestInfo,
  nominalSeats: number,
  usageOf: (group: string, resource: string) => CollectionUsage | undefined,
): RequestWidth {
  if (!info.isResourceRequest) return oneSeat;
  switch (info.verb) {
    case 'list':
      return listWidth(info, nominalSeats, usageOf(info.apiGroup, info.resource));
    case 'watch':
      return info.query.get('sendInitialEvents') === 'true'
        ? listWidth(info, nominalSeats, usageOf(info.apiGroup, info.resource))
        : oneSeat;
    case 'create':
    case 'update':
    case 'patch':
    case 'delete':
      // Tokens are asked for below an account, but nothing of it changes.
      if (info.subresource === 'token') return oneSeat;
      return mutatingWidth(nominalSeats, usageOf(info.apiGroup, info.resource));
    default:
      return oneSeat;
  }
}

function listWidth({ query, name }: RequestInfo, nominalSeats: number, usage: CollectionUsage | undefined): RequestWidth {
  if (!usage || name !== '' || usage.objects === 0) return oneSeat;
  const limit = Number(query.get('limit') ?? 0);
  const objects = limit > 0 && limit < usage.objects ? limit : usage.objects;
  // All but pages of the past come from the cache.
  const bytes = Math.min(objects * usage.averageBytes(), maxStreamedBytes);
  const seats = Math.min(Math.max(1, Math.ceil(bytes / bytesPerSeat)), maxSeats(nominalSeats, maxListSeats));
  return seats === 1 ? oneSeat : { seats, finalSeats: 0, finalMs: 0 };
}

function mutatingWidth(nominalSeats: number, usage: CollectionUsage | undefined): RequestWidth {
  if (!usage || usage.watches < watchesPerSeat) return oneSeat;
  const wanted = Math.ceil(usage.watches / watchesPerSeat);
  const finalSeats = Math.min(wanted, maxSeats(nominalSeats, maxMutatingSeats));
  // Fewer seats take longer for the same work.
  return { seats: 1, finalSeats, finalMs: (eventMs * wanted) / finalSeats };
}

function maxSeats(nominalSeats: number, most: number): number {
  return Math.min(most, Math.max(1, Math.ceil(nominalSeats * maxShareOfLevel)));
}
