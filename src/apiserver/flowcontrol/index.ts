/** The door of flow control: API Priority and Fairness, or the plain limits in its place. */
import { flowcontrolv1Resources } from '../../api/index.ts';
import { isAbort, type Registry } from '../../base/index.ts';
import { loopbackUser } from '../auth/users.ts';
import type { ApiServerHost, ExtensionFactory } from '../extension.ts';
import type { StartUpSteps } from '../health/index.ts';
import { ConfigurationKeeper } from './configuration-keeper.ts';
import { tellDangling } from './dangling-conditions.ts';
import { debugEndpoints } from './debug-dumps.ts';
import type { FlowControl } from './flow-control.ts';
import { FlowController } from './flow-controller.ts';
import type { FlowSchemaState } from './flow-schemas.ts';
import { InflightLimits } from './inflight-limits.ts';
import { registerFlowMetrics } from './metrics.ts';

export type { FlowControl, FlowRequest, Seat } from './flow-control.ts';
export { Overloaded } from './overloaded.ts';

const { flowschemas, prioritylevelconfigurations } = flowcontrolv1Resources;
const producer = 'priority-and-fairness-config-producer';
const consumer = 'priority-and-fairness-config-consumer';
const keepingIntervalMs = 60_000;
const retryMs = 1_000;

export interface FlowControlOptions {
  /** `--enable-priority-and-fairness`; false: plain limits. Default true. */
  readonly prioritized?: boolean | undefined;
  /** `--max-requests-inflight`, default 400; with priorities both numbers together are the seats. */
  readonly maxReading?: number | undefined;
  /** `--max-mutating-requests-inflight`, default 200. */
  readonly maxMutating?: number | undefined;
  /** `--request-timeout`, default a minute; a request waits a quarter of it at most. */
  readonly requestTimeoutMs?: number | undefined;
  /** Make the flow schemas and priority levels of every cluster, and keep them. */
  readonly keepsObjects: boolean;
  readonly metrics: Registry;
  readonly steps: StartUpSteps;
}

export function flowControlExtension(options: FlowControlOptions): ExtensionFactory {
  const { prioritized = true, maxReading = 400, maxMutating = 200, requestTimeoutMs = 60_000, metrics, steps } = options;
  if (options.keepsObjects) for (const name of [producer, consumer]) steps.announce(name);
  return (host) => {
    const keeping = new Keeping(host, options);
    if (!prioritized || maxReading + maxMutating === 0) {
      const flowControl: FlowControl = new InflightLimits({ maxReading, maxMutating }, host.clock);
      return { flowControl, start: () => keeping.start() };
    }
    const { registry, clock, signal } = host;
    const told: { onWaited: (schema: FlowSchemaState, waitedMs: number, dispatched: boolean) => void } = { onWaited: () => {} };
    const controller = new FlowController({
      registry,
      clock,
      totalSeats: maxReading + maxMutating,
      waitLimitMs: requestTimeoutMs / 4,
      usageOf: (group, resource) => host.usage(group, resource),
      onWaited: (schema, waitedMs, dispatched) => told.onWaited(schema, waitedMs, dispatched),
    });
    told.onWaited = registerFlowMetrics(metrics, () => {
      controller.refresh();
      return controller;
    });
    signal.addEventListener('abort', () => controller.close(), { once: true });
    return {
      flowControl: controller,
      endpoints: debugEndpoints(controller),
      start: () => {
        keeping.onChange = () => controller.changed();
        return keeping.start();
      },
    };
  };
}

/** Makes the objects, keeps them, and says on them what is wrong with them. */
class Keeping {
  onChange: () => void = () => {};
  readonly #host: ApiServerHost;
  readonly #steps: StartUpSteps;
  readonly #keeper: ConfigurationKeeper;
  readonly #op: ConstructorParameters<typeof ConfigurationKeeper>[1];
  #telling = false;
  #tellAgain = false;

  readonly #keepsObjects: boolean;

  constructor(host: ApiServerHost, { steps, keepsObjects }: Pick<FlowControlOptions, 'steps' | 'keepsObjects'>) {
    this.#host = host;
    this.#steps = steps;
    this.#keepsObjects = keepsObjects;
    this.#op = { user: loopbackUser, signal: host.signal, warn: () => {} };
    this.#keeper = new ConfigurationKeeper(host.registry, this.#op);
  }

  async start(): Promise<void> {
    const { registry } = this.#host;
    const isServed = [flowschemas, prioritylevelconfigurations].every((one) => registry.definition(one.group, one.version, one.plural));
    if (!isServed) return;
    const kept = this.#keepsObjects && (await this.#keep());
    // Told of what is there now too.
    registry.observe(flowschemas, () => this.#changed());
    registry.observe(prioritylevelconfigurations, () => this.#changed());
    if (this.#keepsObjects) void this.#keepOn(kept);
  }

  async #keep(): Promise<boolean> {
    const { log, signal } = this.#host;
    try {
      await this.#keeper.keep();
      this.#steps.finish(producer);
      return true;
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      log.error('a flow schema or priority level could not be made or mended', { err: error });
      return false;
    }
  }

  async #keepOn(keptBefore: boolean): Promise<void> {
    const { clock, signal } = this.#host;
    let kept = keptBefore;
    try {
      for (;;) {
        await clock.sleep(kept ? keepingIntervalMs : retryMs, signal);
        kept = await this.#keep();
      }
    } catch (error) {
      if (!isAbort(error, signal)) throw error;
    }
  }

  #changed(): void {
    this.onChange();
    if (this.#telling) this.#tellAgain = true;
    else void this.#tell();
  }

  async #tell(): Promise<void> {
    const { registry, clock, log, signal } = this.#host;
    this.#telling = true;
    try {
      // Changes come one by one; what is told is about all of them.
      do {
        this.#tellAgain = false;
        await Promise.resolve();
        await tellDangling(registry, this.#op, clock);
      } while (this.#tellAgain && !signal.aborted);
      if (this.#keepsObjects) this.#steps.finish(consumer);
    } catch (error) {
      if (!isAbort(error, signal) && !signal.aborted) log.warn('the state of a flow schema could not be told', { err: error });
    } finally {
      this.#telling = false;
    }
  }
}
