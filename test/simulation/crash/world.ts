/**
 * One seed: a cluster whose controllers and scheduler are killed again and again, while a user changes what he wants and nodes come and go;
 * then the faults end, and the world has to become what was asked for. Everything follows from the seed.
 */
import { corev1Resources } from '../../../src/api/index.ts';
import { type Random, seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts';
import type { Client, ResourceRequest, Transport } from '../../../src/client/index.ts';
import { type ManagerSettings, startManagers } from '../../../src/controlplane/index.ts';
import { type Cluster, type Death, MortalProcess, startCluster } from '../../../src/testing/index.ts';
import { boundOnce, notOvercommitted } from './checks/bindings.ts';
import { oneDaemonPerNode } from './checks/daemons.ts';
import { budgetKept, drivenOffForCause } from './checks/evictions.ts';
import { countedOnce, indexesDecidedOnce } from './checks/jobs.ts';
import { onlyLeaders } from './checks/leaders.ts';
import { keptApart, withinQuota } from './checks/limits.ts';
import { sparedByOwners } from './checks/owners.ts';
import { noSurplusReplicas, oneReplicaSetPerTemplate } from './checks/replicas.ts';
import { startedOnce } from './checks/times.ts';
import { boundOneToOne } from './checks/volumes.ts';
import { type Check, History } from './history.ts';
import { LightNodes } from './light-nodes.ts';
import { namespace, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** In which somebody dies again and again, unless a scenario wants longer. */
const usualFaultyMs = 60_000;
/** After which all has to be well. */
const healedMs = 30 * 60_000;
/** In which nothing may change for the worse any more. */
const quietMs = 20_000;
/** Nothing hangs on these; who renewed a Lease would die of nothing else. */
const uncounted: ReadonlySet<string> = new Set(['events', 'serviceaccounts', 'leases']);
const longestLifeWrites = 12;
const longestDownMs = 8_000;
/** Two managers: how often one of them is stopped, and between which times. */
const stops = 3;
const stopMs = [4_000, 30_000] as const;
const electionTimes = { 'leader-elect-lease-duration': 15_000, 'leader-elect-renew-deadline': 10_000, 'leader-elect-retry-period': 2_000 };

export interface World {
  readonly client: Client;
  readonly nodes: LightNodes;
  readonly history: History;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export interface CrashOutcome {
  readonly scenario: string;
  /** What went wrong; empty when nothing did. */
  readonly faults: readonly string[];
  /** What happened, in order. */
  readonly story: readonly string[];
}

export interface CrashOptions {
  /** Stands between the controllers and the API server: what a wrong controller would do. */
  readonly sabotage?: (transport: Transport) => Transport;
  /** Default: by the seed. */
  readonly scenario?: string;
  /** Default: by the seed. */
  readonly firstDeath?: FirstDeath;
}

/** Who dies first, and where. */
export interface FirstDeath extends Death {
  readonly of: 'manager' | 'scheduler';
}

/** Counted writes of the two in a run in which nobody dies. */
type WriteCounts = Readonly<Record<FirstDeath['of'], number>>;

const nodeSize = { cpu: '2', memory: '4Gi', pods: '6' };

export async function crash(seed: number, options: CrashOptions = {}): Promise<CrashOutcome> {
  const scenario = scenarios.find(({ name }) => name === options.scenario) ?? scenarios[seed % scenarios.length]!;
  const firstDeath = options.firstDeath ?? firstDeathOf(Math.floor(seed / scenarios.length), await writeCountsOf(scenario));
  return new CrashRun(seed, scenario, { ...options, firstDeath }).run();
}

/** One turn of four is the scheduler's; before and after every write, and with its answer lost, somebody has his turn. */
function firstDeathOf(turn: number, counts: WriteCounts): FirstDeath {
  const isScheduler = turn % 4 === 0;
  const place = isScheduler ? turn / 4 : turn - Math.floor(turn / 4) - 1;
  const of = isScheduler ? 'scheduler' : 'manager';
  const write = 1 + (Math.floor(place / 3) % Math.max(counts[of], 1));
  return { of, write, sent: place % 3 > 0, survived: place % 3 === 2 };
}

const knownCounts = new Map<Scenario, Promise<WriteCounts>>();

function writeCountsOf(scenario: Scenario): Promise<WriteCounts> {
  const counting = knownCounts.get(scenario) ?? new CrashRun(0, scenario, {}).countWrites();
  knownCounts.set(scenario, counting);
  return counting;
}

const allChecks = (): Check[] => [
  boundOnce,
  notOvercommitted,
  noSurplusReplicas(),
  oneReplicaSetPerTemplate,
  oneDaemonPerNode,
  countedOnce(),
  indexesDecidedOnce,
  boundOneToOne,
  startedOnce(),
  drivenOffForCause(),
  budgetKept,
  sparedByOwners,
  withinQuota,
  keptApart,
];

class CrashRun {
  readonly #scenario: Scenario;
  readonly #options: CrashOptions;
  readonly #seed: number;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #history: History;
  readonly #story: string[] = [];
  readonly #lagMs: number;
  #nodes: LightNodes | undefined;
  /** Without a first death, nobody dies. */
  #faulty: boolean;
  #counts: WriteCounts = { manager: 0, scheduler: 0 };

  constructor(seed: number, scenario: Scenario, options: CrashOptions) {
    this.#scenario = scenario;
    this.#faulty = options.firstDeath !== undefined;
    this.#options = options;
    this.#seed = seed;
    this.#random = seededRandom(seed * 7919 + 1);
    this.#history = new History(allChecks(), (step) => this.#nodes?.heard(step));
    const lagMs = this.#random.next() < 0.5 ? 0 : this.#random.next() * 3_000;
    this.#lagMs = scenario.isPrompt ? 0 : lagMs;
  }

  async countWrites(): Promise<WriteCounts> {
    await this.run();
    return this.#counts;
  }

  async run(): Promise<CrashOutcome> {
    const { usage, beat = false } = this.#scenario;
    await using cluster = await startCluster({
      clock: this.#clock,
      seed: this.#seed,
      managers: false,
      ...(usage && { usage }),
      onChange: (change) => this.#history.record(change),
    });
    const { client, signal } = cluster;
    this.#nodes = new LightNodes({
      client,
      clock: this.#clock,
      random: this.#random,
      signal,
      beat,
      endOf: (pod) => this.#scenario.endOf?.(pod, this.#random),
      onFault: (fault) => this.#history.faults.add(`${this.#history.at(this.#clock.now())}: ${fault}`),
    });
    const world: World = { client, nodes: this.#nodes, history: this.#history, random: this.#random, signal };
    await client.create(
      corev1Resources.serviceaccounts,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
      { signal },
    );
    for (let index = 1; index <= this.#scenario.nodes; index++) await this.#nodes.add(`node-${index}`, this.#scenario.nodeSize ?? nodeSize);
    const processes = this.#processes(cluster);
    const { firstDeath } = this.#options;
    for (const [name, process] of processes) process.start(firstDeath?.of === name ? firstDeath : this.#nextDeath());
    await this.#scenario.setUp(world);
    this.#tell('the user asks for what he wants');
    await this.#live(world, processes);
    for (const process of processes.values()) await process.close();
    return { scenario: this.#scenario.name, faults: [...this.#history.faults], story: this.#story };
  }

  #nextDeath(): Death | undefined {
    if (!this.#faulty) return undefined;
    return { write: 1 + Math.floor(this.#random.next() * longestLifeWrites), sent: this.#random.next() < 0.5 };
  }

  #processes(cluster: Cluster): ReadonlyMap<string, MortalProcess> {
    const { sabotage = (transport) => transport } = this.#options;
    const common = { podCidrs: ['10.244.0.0/16'], clock: this.#clock, random: this.#random, log: silentLogger, signal: cluster.signal };
    const process = (name: string, settings: Partial<ManagerSettings>): [string, MortalProcess] => {
      const { election } = settings;
      const seen = (transport: Transport): Transport =>
        election ? onlyLeaders(transport, election.identity, this.#history, this.#clock) : transport;
      const mortal: MortalProcess = new MortalProcess({
        clock: this.#clock,
        transport: (user, userAgent) => withoutEvents(sabotage(seen(cluster.transportFor(user, userAgent)))),
        run: (transport) => startManagers({ ...common, ...settings, transport }),
        counts: ({ resource }) => !uncounted.has(resource.plural),
        lagMs: () => (this.#faulty && this.#lagMs > 0 ? this.#random.next() * this.#lagMs : 0),
        onStop: (place) => this.#tell(`${name} is stopped in the middle of ${place}`),
        onLostAnswer: (place) => this.#tell(`${name} gets no answer to ${place}`),
        onDeath: (place) => {
          this.#tell(`${name} dies ${place}`);
          this.#clock.setTimer(1 + this.#random.next() * longestDownMs, () => {
            if (cluster.signal.aborted) return;
            this.#tell(`${name} starts`);
            mortal.start(this.#nextDeath());
          });
        },
      });
      return [name, mortal];
    };
    const { only, elected } = { only: this.#scenario.controllers, elected: this.#scenario.elected ?? false };
    const manager = (name: string): [string, MortalProcess] =>
      process(name, {
        controllers: { only },
        scheduler: false,
        ...(elected && { election: { identity: name }, controllerManagerFlags: electionTimes }),
      });
    const scheduler = process('scheduler', { controllers: { only: [] } });
    return new Map([manager('manager'), scheduler, ...(elected ? [manager('other manager')] : [])]);
  }

  async #live(world: World, processes: ReadonlyMap<string, MortalProcess>): Promise<void> {
    const { actions, elected, faultyMs = usualFaultyMs } = this.#scenario;
    const names = Object.keys(actions);
    for (let left = 1 + Math.floor(this.#random.next() * 4); left > 0 && names.length > 0; left--) {
      const name = names[Math.floor(this.#random.next() * names.length)]!;
      this.#clock.setTimer(this.#random.next() * faultyMs, () => {
        this.#tell(name);
        actions[name]!(world).catch((error: unknown) => this.#history.faults.add(`the user's action failed: ${String(error)}`));
      });
    }
    if (elected && this.#faulty) this.#stopSome(processes, faultyMs);
    await this.#clock.advance(faultyMs);
    this.#counts = { manager: processes.get('manager')!.writes, scheduler: processes.get('scheduler')!.writes };
    this.#faulty = false;
    for (const process of processes.values()) process.spare();
    this.#scenario.mend?.(world);
    this.#tell('all faults are over');
    const endMs = this.#clock.now() + healedMs;
    const isDone = (): boolean => this.#scenario.isDone(this.#history);
    while (!isDone() && (await this.#clock.step(endMs - this.#clock.now())));
    if (!isDone()) this.#history.faults.add(`the world did not become what was asked for: ${this.#scenario.describe(this.#history)}`);
    this.#tell('the world is as it was asked for');
    await this.#clock.advance(quietMs);
    if (!isDone()) this.#history.faults.add(`the world did not stay what was asked for: ${this.#scenario.describe(this.#history)}`);
  }

  #stopSome(processes: ReadonlyMap<string, MortalProcess>, faultyMs: number): void {
    const managers = [...processes].filter(([name]) => name !== 'scheduler');
    for (let left = stops; left > 0; left--) {
      const [, process] = managers[Math.floor(this.#random.next() * managers.length)]!;
      const durationMs = stopMs[0] + this.#random.next() * (stopMs[1] - stopMs[0]);
      this.#clock.setTimer(this.#random.next() * faultyMs, () => {
        process.stop(durationMs);
      });
    }
  }

  #tell(what: string): void {
    this.#story.push(`${this.#history.at(this.#clock.now())} ${what}`);
  }
}

/** Nobody reads them, and they would be half of all writes. */
function withoutEvents(inner: Transport): Transport {
  const request = (asked: ResourceRequest): ReturnType<Transport['request']> => {
    if (asked.resource.plural !== 'events') return inner.request(asked);
    return Promise.resolve({ apiVersion: 'v1', kind: 'Event', metadata: {} });
  };
  return { ...inner, request };
}
