/**
 * API Priority and Fairness: classifies a request, and takes its seats from the level that its schema leads to. Follows the FlowSchema and
 * PriorityLevelConfiguration objects; the mandatory ones work even while nobody has made them. Every ten seconds, when somebody was short
 * of seats, levels lend to each other what they do not need.
 * @source apiserver util/flowcontrol/apf_controller.go; KEP-1040
 */
import { flowcontrolv1Resources, type flowcontrolv1, type Unsaved } from '../../api/index.ts';
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from '../../api/kinds/index.ts';
import type { Clock, Timer } from '../../base/index.ts';
import type { CollectionUsage } from '../extension.ts';
import type { Registry } from '../storage.ts';
import { isLongRunning } from '../routing/long-running.ts';
import { nominalLimits, shareOut, smoothedDemand } from './borrowing.ts';
import type { FlowControl, FlowRequest, Seat } from './flow-control.ts';
import { type FlowSchemaState, FlowSchemas, noCounts } from './flow-schemas.ts';
import { type LevelHost, type LevelSettings, PriorityLevel } from './priority-level.ts';
import { oneSeat, widthOf } from './width.ts';

const { flowschemas, prioritylevelconfigurations } = flowcontrolv1Resources;
const borrowingPeriodMs = 10_000;

type LevelObject = Unsaved<flowcontrolv1.PriorityLevelConfiguration>;

export interface FlowControllerOptions {
  readonly registry: Pick<Registry, 'cachedList'>;
  readonly clock: Clock;
  /** Seats of all levels together. */
  readonly totalSeats: number;
  /** How long a request waits in a queue at most. */
  readonly waitLimitMs: number;
  readonly usageOf: (group: string, resource: string) => CollectionUsage | undefined;
  readonly onWaited?: LevelHost['onWaited'];
}

export class FlowController implements FlowControl {
  readonly levels = new Map<string, PriorityLevel>();
  schemas: readonly FlowSchemaState[] = [];
  /** As of the last round of borrowing. */
  readonly borrowing = { fraction: 0, targets: new Map<string, number>() };
  readonly #options: FlowControllerOptions;
  readonly #host: LevelHost;
  #matcher: FlowSchemas | undefined;
  #timer: Timer | undefined;

  constructor(options: FlowControllerOptions) {
    const { clock, waitLimitMs, onWaited } = options;
    this.#options = options;
    this.#host = { clock, waitLimitMs, onPressure: () => this.#borrowSoon(), onWaited: onWaited ?? (() => {}) };
  }

  admit(request: FlowRequest): Seat | undefined | Promise<Seat> {
    const { info, user } = request;
    const isWatch = info.verb === 'watch';
    if (!isWatch && isLongRunning(info)) return undefined;
    this.#matcher ??= this.#configure();
    const schema = this.#matcher.classify(user, info);
    const { level } = schema;
    const { isExempt, limits } = level.settings;
    return level.admit(schema, isExempt ? oneSeat : widthOf(info, limits.nominal, this.#options.usageOf), request);
  }

  /** The objects have changed: the next request is classified by what they say now. */
  changed(): void {
    this.#matcher = undefined;
  }

  /** Brings the levels up to date with their objects. */
  refresh(): void {
    this.#matcher ??= this.#configure();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #configure(): FlowSchemas {
    const { registry } = this.#options;
    const levelObjects = withMandatory<LevelObject>(registry.cachedList(prioritylevelconfigurations), mandatoryPriorityLevels);
    this.#configureLevels(levelObjects);
    const uids = new Map(levelObjects.map(({ metadata }) => [metadata.name, metadata.uid ?? '']));
    const known = new Map(this.schemas.map((schema) => [`${schema.name} ${schema.level.name}`, schema]));
    const compiled: { readonly state: FlowSchemaState; readonly object: flowcontrolv1.FlowSchema }[] = [];
    for (const object of withMandatory(registry.cachedList(flowschemas), mandatoryFlowSchemas)) {
      const { metadata, spec } = object;
      const level = this.levels.get(spec.priorityLevelConfiguration.name);
      // A schema that leads nowhere matches nothing.
      if (!level || level.isQuiescing) continue;
      const name = metadata.name ?? '';
      const headers = {
        'x-kubernetes-pf-flowschema-uid': metadata.uid ?? '',
        'x-kubernetes-pf-prioritylevel-uid': uids.get(level.name) ?? '',
      };
      // The distinguishers are validated.
      const distinguisher = spec.distinguisherMethod?.type as FlowSchemaState['distinguisher'];
      const counts = known.get(`${name} ${level.name}`)?.counts ?? noCounts();
      compiled.push({ state: { name, level, distinguisher, headers, counts }, object: object as flowcontrolv1.FlowSchema });
    }
    this.schemas = compiled.map(({ state }) => state);
    return new FlowSchemas(
      compiled,
      this.schemas.find(({ name }) => name === 'catch-all')!,
    );
  }

  #configureLevels(objects: readonly LevelObject[]): void {
    const limits = nominalLimits(
      objects.map(({ metadata, spec }) => {
        const part = spec.type === 'Exempt' ? spec.exempt : spec.limited;
        return {
          name: metadata.name ?? '',
          shares: part?.nominalConcurrencyShares ?? (spec.type === 'Exempt' ? 0 : 30),
          lendablePercent: part?.lendablePercent ?? 0,
          borrowingLimitPercent: spec.limited?.borrowingLimitPercent,
        };
      }),
      this.#options.totalSeats,
    );
    for (const { metadata, spec } of objects) {
      const name = metadata.name ?? '';
      const { queuing } = spec.limited?.limitResponse ?? {};
      const settings: LevelSettings = {
        isExempt: spec.type === 'Exempt',
        queuing: queuing && {
          queues: queuing.queues ?? 64,
          handSize: queuing.handSize ?? 8,
          queueLengthLimit: queuing.queueLengthLimit ?? 50,
        },
        limits: limits.get(name)!,
      };
      const level = this.levels.get(name);
      if (level) level.configure(settings);
      else this.levels.set(name, new PriorityLevel(name, settings, this.#host));
    }
    for (const [name, level] of this.levels) {
      level.isQuiescing = !limits.has(name);
      if (level.isQuiescing && level.isIdle) this.levels.delete(name);
      else if (!level.isQuiescing) level.dispatch();
    }
  }

  /** Only while somebody is short: an idle server sets no timer. */
  #borrowSoon(): void {
    this.#timer ??= this.#options.clock.setTimer(borrowingPeriodMs, () => {
      this.#timer = undefined;
      this.#borrow();
    });
  }

  #borrow(): void {
    const nowMs = this.#options.clock.monotonic();
    const levels = [...this.levels.values()].filter(({ isQuiescing }) => !isQuiescing);
    let isPressed = false;
    const borrowers = levels.map((level) => {
      const summary = level.demand.next(nowMs);
      level.smoothed = smoothedDemand(level.smoothed, summary);
      isPressed ||= !level.settings.isExempt && summary.highWatermark > level.limit;
      return { limits: level.settings.limits, highWatermark: summary.highWatermark, smoothed: level.smoothed };
    });
    const { current, targets, fraction } = shareOut(borrowers);
    this.borrowing.fraction = fraction;
    levels.forEach((level, i) => {
      level.limit = current[i]!;
      this.borrowing.targets.set(level.name, targets[i]!);
    });
    for (const level of levels) level.dispatch();
    // What was lent goes back when nobody is short any more.
    if (
      isPressed ||
      levels.some((level) => level.waiting > 0 || (level.limit < level.settings.limits.nominal && level.demand.highest > 0))
    ) {
      this.#borrowSoon();
    } else {
      for (const level of levels) level.limit = Math.max(level.limit, level.settings.limits.nominal);
    }
  }
}

function withMandatory<T extends { readonly metadata: { readonly name?: string } }>(stored: readonly T[], mandatory: readonly T[]): T[] {
  const names = new Set(stored.map(({ metadata }) => metadata.name));
  return [...stored, ...mandatory.filter(({ metadata }) => !names.has(metadata.name))];
}
