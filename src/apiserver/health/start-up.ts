/**
 * The steps of starting up, as health checks under upstream's names: scripts and probes ask for `poststarthook/…` by name. A step
 * is shown as soon as an extension announces it and holds from the moment it is finished.
 */
import type { HealthCheck } from '../../base/index.ts';

export class StartUpSteps {
  readonly #finished = new Map<string, boolean>();

  /** Announces a step, without `poststarthook/`; until it is finished, the server is not ready. */
  announce(name: string): void {
    this.#finished.set(name, this.#finished.get(name) ?? false);
  }

  finish(name: string): void {
    this.#finished.set(name, true);
  }

  get checks(): HealthCheck[] {
    return [...this.#finished.keys()].map((name) => ({
      name: `poststarthook/${name}`,
      check: () => {
        if (this.#finished.get(name) !== true) throw new Error('not finished');
      },
    }));
  }
}
