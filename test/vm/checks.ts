/** Runs checks one after the other, says what it finds as it finds it, and counts. A failed check does not stop the others. */

/** A check that cannot hold without an earlier one: the run ends here. */
export class CannotGoOn extends Error {
  override readonly name = 'CannotGoOn';
}

export class Checks {
  #passed = 0;
  #failed = 0;
  readonly #startMs = performance.now();
  readonly #afterFailure: () => Promise<string>;

  /** @param afterFailure gathers what explains a failure, and says where it is */
  constructor(afterFailure: () => Promise<string>) {
    this.#afterFailure = afterFailure;
  }

  chapter(title: string): void {
    console.log(`\n${title}`);
  }

  /** @param body throws when the sentence does not hold */
  async check(sentence: string, body: () => Promise<void>): Promise<boolean> {
    const startMs = performance.now();
    const seconds = (): string => `${((performance.now() - startMs) / 1000).toFixed(1)} s`.padStart(8);
    try {
      await body();
      this.#passed++;
      console.log(`  ✓ ${seconds()}  ${sentence}`);
      return true;
    } catch (error) {
      this.#failed++;
      console.log(`  ✗ ${seconds()}  ${sentence}`);
      const text = error instanceof Error ? error.message : String(error);
      console.log(`${text}\n${await this.#afterFailure()}`.replace(/^/gm, '      '));
      return false;
    }
  }

  /** A check that the rest of the run stands on. @throws CannotGoOn */
  async need(sentence: string, body: () => Promise<void>): Promise<void> {
    if (!(await this.check(sentence, body))) throw new CannotGoOn('the rest cannot be looked at without it');
  }

  /** Prints the last line. @returns the exit code */
  conclude(): number {
    const minutes = ((performance.now() - this.#startMs) / 60_000).toFixed(1);
    console.log(`\n${minutes} minutes\n${this.#passed} passed, ${this.#failed} failed`);
    return this.#failed === 0 ? 0 : 1;
  }
}
