/**
 * Scores the nodes that passed: every plugin its own way, brought into 0…100, weighted and added up. Scores that hang on nothing but the
 * node are remembered by pod shape.
 * @source kube-scheduler framework/runtime/framework.go (RunPreScorePlugins, RunScorePlugins), v1.35
 */
import { type CycleState, maxNodeScore, type NodeInfo, type PodInfo } from '../framework/index.ts';
import { causeOf, PluginError } from './plugin-error.ts';
import type { Profile, ScorePlugin } from './profile.ts';
import type { ShapeMemory } from './shape-memory.ts';

export class NodeScores {
  readonly #profile: Profile;
  /** Room for one plugin's scores and for the sums, kept from cycle to cycle. */
  #one = new Float64Array(0);
  #totals = new Float64Array(0);

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /** @throws PluginError */
  preScore(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): void {
    for (const plugin of this.#profile.preScore) {
      const where = `running PreScore plugin "${plugin.name}"`;
      let status;
      try {
        status = plugin.preScore!(state, pod, nodes);
      } catch (error) {
        throw new PluginError(plugin.name, where, error);
      }
      if (status?.code === 'Skip') state.skippedScores.add(plugin.name);
      else if (status) throw new PluginError(plugin.name, where, causeOf(status));
    }
  }

  /**
   * The sums, in the order of `nodes`; the array is used again in the next cycle, and may be longer.
   * @throws PluginError
   */
  score(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[], memory: ShapeMemory | undefined): Float64Array {
    this.#makeRoom(nodes.length);
    const totals = this.#totals.fill(0, 0, nodes.length);
    const active = this.#profile.score.filter(({ plugin }) => !state.skippedScores.has(plugin.name));
    const local = memory ? active.filter(({ plugin }) => plugin.scoreScope === 'node') : [];
    if (memory) this.#addRemembered(memory, local, { state, pod, nodes });
    for (const scorer of active) {
      if (memory && scorer.plugin.scoreScope === 'node') continue;
      for (let i = 0; i < nodes.length; i++) this.#one[i] = scoreOf(scorer, state, pod, nodes[i]!);
      this.#add(scorer, { state, pod, nodes });
    }
    return totals;
  }

  #addRemembered(memory: ShapeMemory, local: readonly ScorePlugin[], cycle: Cycle): void {
    const plain = local.filter(({ plugin }) => plugin.normalizeScore === undefined);
    const normalized = local.filter(({ plugin }) => plugin.normalizeScore !== undefined);
    const key = local.map(({ plugin }) => plugin.name).join();
    if (memory.scores !== key) memory.resetScores(key, normalized.length);
    const { state, pod, nodes } = cycle;
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      const { index } = node;
      if (memory.scoredAt[index] !== node.generation) {
        let sum = 0;
        for (const scorer of plain) sum += checked(scorer, scoreOf(scorer, state, pod, node)) * scorer.weight;
        for (let k = 0; k < normalized.length; k++) memory.raw[k]![index] = scoreOf(normalized[k]!, state, pod, node);
        memory.sums[index] = sum;
        memory.scoredAt[index] = node.generation;
      }
      this.#totals[i] = memory.sums[index]!;
    }
    for (const [k, scorer] of normalized.entries()) {
      const raw = memory.raw[k]!;
      for (let i = 0; i < nodes.length; i++) this.#one[i] = raw[nodes[i]!.index]!;
      this.#add(scorer, cycle);
    }
  }

  /** Normalizes what stands in `#one` and adds it to the totals. */
  #add(scorer: ScorePlugin, { state, pod, nodes }: Cycle): void {
    const { plugin, weight } = scorer;
    if (plugin.normalizeScore) {
      try {
        plugin.normalizeScore(state, pod, this.#one, nodes);
      } catch (error) {
        throw new PluginError(plugin.name, `running NormalizeScore plugin "${plugin.name}"`, error);
      }
    }
    for (let i = 0; i < nodes.length; i++) this.#totals[i]! += checked(scorer, this.#one[i]!) * weight;
  }

  #makeRoom(count: number): void {
    if (this.#one.length >= count) return;
    this.#one = new Float64Array(count * 2);
    this.#totals = new Float64Array(count * 2);
  }
}

interface Cycle {
  readonly state: CycleState;
  readonly pod: PodInfo;
  readonly nodes: readonly NodeInfo[];
}

function scoreOf({ plugin }: ScorePlugin, state: CycleState, pod: PodInfo, node: NodeInfo): number {
  try {
    return plugin.score!(state, pod, node);
  } catch (error) {
    throw new PluginError(plugin.name, `running Score plugin "${plugin.name}"`, error);
  }
}

function checked({ plugin: { name } }: ScorePlugin, score: number): number {
  if (score >= 0 && score <= maxNodeScore) return score;
  const range = `it should in the range of [0, ${maxNodeScore}] after normalizing`;
  throw new PluginError(
    name,
    'applying score defaultWeights on Score plugins',
    `plugin "${name}" returns an invalid score ${score}, ${range}`,
  );
}
