/**
 * Deals a flow its hand of queues: the same flow always gets the same ones, and two flows seldom the same hand, so that one that floods its
 * queues leaves every other flow one to wait in.
 * @source apiserver util/shufflesharding
 */
import { createHash } from 'node:crypto';

const maxRememberedHands = 4_096;

export class Dealer {
  readonly #deckSize: number;
  readonly #handSize: number;
  readonly #hands = new Map<string, readonly number[]>();

  constructor(deckSize: number, handSize: number) {
    this.#deckSize = deckSize;
    this.#handSize = handSize;
  }

  /** Indexes of queues, no two the same. @param flow schema and distinguisher */
  deal(flow: string): readonly number[] {
    let hand = this.#hands.get(flow);
    if (!hand) {
      hand = dealHand(hashOf(flow), this.#deckSize, this.#handSize);
      if (this.#hands.size >= maxRememberedHands) this.#hands.clear();
      this.#hands.set(flow, hand);
    }
    return hand;
  }
}

/** Takes cards out of a deck that shrinks by one with each. */
function dealHand(hash: bigint, deckSize: number, handSize: number): number[] {
  let rest = hash;
  const taken: number[] = [];
  for (let i = 0; i < handSize; i++) {
    const left = BigInt(deckSize - i);
    let card = Number(rest % left);
    rest /= left;
    // The card's place among those that are still there, counted over all.
    for (const other of taken.toSorted((a, b) => a - b)) if (card >= other) card++;
    taken.push(card);
  }
  return taken;
}

function hashOf(flow: string): bigint {
  return createHash('sha256').update(flow).digest().readBigUInt64LE(0);
}
