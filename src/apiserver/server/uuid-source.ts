/** Version 4 UUIDs from randomness taken in bulk: asking the system for sixteen bytes costs more than the id is worth. */
import type { Random } from '../../base/index.ts';

const idBytes = 16;
const batch = 256;

export class UuidSource {
  readonly #random: Random;
  #pool = '';
  #used = batch;

  constructor(random: Random) {
    this.#random = random;
  }

  readonly next = (): string => {
    if (this.#used === batch) this.#refill();
    const at = this.#used++ * idBytes * 2;
    const hex = this.#pool;
    const variant = (Number.parseInt(hex[at + 16]!, 16) & 0x3) | 0x8;
    return (
      `${hex.slice(at, at + 8)}-${hex.slice(at + 8, at + 12)}-4${hex.slice(at + 13, at + 16)}-` +
      `${variant.toString(16)}${hex.slice(at + 17, at + 20)}-${hex.slice(at + 20, at + 32)}`
    );
  };

  #refill(): void {
    this.#pool = this.#random.bytes(idBytes * batch).toHex();
    this.#used = 0;
  }
}
