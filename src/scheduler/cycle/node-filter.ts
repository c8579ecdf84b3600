/**
 * The filters of one profile on one node: with what nominated pods would take counted, as upstream does, and with the verdicts remembered
 * that hang on nothing but the node.
 * @source kube-scheduler framework/runtime/framework.go (RunFilterPluginsWithNominatedPods), v1.35
 */
import type { NominatedPods } from '../queue/nominated-pods.ts';
import {
  type CycleRunner,
  type CycleState,
  type NodeInfo,
  type Plugin,
  type PodInfo,
  type StateKey,
  stateKey,
  type Status,
} from '../framework/index.ts';
import { causeOf, PluginError } from './plugin-error.ts';
import type { Profile } from './profile.ts';
import type { ShapeMemory } from './shape-memory.ts';

export interface ActiveFilters {
  /** Those that look at the node alone, as far as they come first. */
  readonly local: readonly Plugin[];
  readonly rest: readonly Plugin[];
  readonly all: readonly Plugin[];
  /** Names the local ones. */
  readonly key: string;
}

const activeKey: StateKey<ActiveFilters> = stateKey('filters');

export class NodeFilter implements CycleRunner {
  /** The plugin that gave the latest rejection. */
  rejector = '';
  readonly #profile: Profile;
  readonly #nominated: NominatedPods;

  constructor(profile: Profile, nominated: NominatedPods) {
    this.#profile = profile;
    this.#nominated = nominated;
  }

  /** The filters that have something to do in this cycle. */
  active(state: CycleState): ActiveFilters {
    const known = state.read(activeKey);
    if (known) return known;
    const { filter } = this.#profile;
    const all = state.skippedFilters.size === 0 ? filter : filter.filter(({ name }) => !state.skippedFilters.has(name));
    const split = all.findIndex(({ filterScope }) => filterScope !== 'node');
    const local = split < 0 ? all : all.slice(0, split);
    const active = { local, rest: split < 0 ? [] : all.slice(split), all, key: local.map(({ name }) => name).join() };
    state.write(activeKey, active);
    return active;
  }

  /** @throws PluginError */
  run(plugins: readonly Plugin[], state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    for (let i = 0; i < plugins.length; i++) {
      const plugin = plugins[i]!;
      let status: Status | undefined;
      try {
        status = plugin.filter!(state, pod, node);
      } catch (error) {
        throw filterError(plugin, error);
      }
      if (status === undefined) continue;
      if (status.code === 'Error') throw filterError(plugin, causeOf(status));
      this.rejector = plugin.name;
      return status;
    }
    return undefined;
  }

  /** The same, with the verdict remembered. `plugins` look at the node alone. */
  remembered(memory: ShapeMemory, plugins: readonly Plugin[], state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    const { index, generation } = node;
    if (memory.filteredAt[index] === generation) {
      const verdict = memory.verdicts[index];
      if (verdict !== undefined) this.rejector = memory.rejectors[index]!;
      return verdict;
    }
    const verdict = this.run(plugins, state, pod, node);
    memory.filteredAt[index] = generation;
    memory.verdicts[index] = verdict;
    if (verdict !== undefined) memory.rejectors[index] = this.rejector;
    return verdict;
  }

  /** Whether pods are nominated for the node that must be counted for `pod`. */
  hasRivals(pod: PodInfo, node: NodeInfo): boolean {
    return this.#nominated.any && this.#nominated.podsOn(node.name).some((rival) => isRival(rival, pod));
  }

  filterWithNominated(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    const { all } = this.active(state);
    const rivals = this.#nominated.podsOn(node.name).filter((rival) => isRival(rival, pod));
    if (rivals.length > 0) {
      // Resources may be taken by then, so they must suffice beside the rivals.
      const crowded = node.clone();
      const added: PodInfo[] = [];
      try {
        for (const rival of rivals) {
          crowded.addPod(rival);
          added.push(rival);
          const status = this.addPod(state, pod, rival, crowded);
          if (status) throw new PluginError('', 'adding nominated pods', causeOf(status));
        }
        const status = this.run(all, state, pod, crowded);
        if (status) return status;
      } finally {
        for (const rival of added.toReversed()) {
          crowded.removePod(rival.uid);
          this.removePod(state, pod, rival, crowded);
        }
      }
    }
    // And the rivals may never come, so affinity must hold without them too.
    return this.run(all, state, pod, node);
  }

  /**
   * The same, with the verdict remembered: a pod that fits nowhere asks all nodes that were promised to others. For filters that look at the
   * node alone, all of them.
   */
  rememberedWithNominated(memory: ShapeMemory, state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    // It would not count itself, unlike others of its shape.
    if (this.#nominated.nodeOf(pod.uid) === node.name) return this.filterWithNominated(state, pod, node);
    const { index, generation } = node;
    const nominated = this.#nominated.podsOn(node.name);
    const known = memory.besideNominated.get(index);
    if (known?.generation === generation && known.nominated === nominated) {
      if (known.status) this.rejector = known.rejector;
      return known.status;
    }
    const status = this.filterWithNominated(state, pod, node);
    memory.besideNominated.set(index, { generation, nominated, status, rejector: this.rejector });
    return status;
  }

  looksAtNodeOnly(state: CycleState): boolean {
    return this.active(state).all.every(({ filterScope }) => filterScope === 'node');
  }

  addPod(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): Status | undefined {
    for (const plugin of this.#profile.preFilter) {
      if (!plugin.addPod || state.skippedFilters.has(plugin.name)) continue;
      const status = plugin.addPod(state, pod, added, node);
      if (status) return status;
    }
    return undefined;
  }

  removePod(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): Status | undefined {
    for (const plugin of this.#profile.preFilter) {
      if (!plugin.removePod || state.skippedFilters.has(plugin.name)) continue;
      const status = plugin.removePod(state, pod, removed, node);
      if (status) return status;
    }
    return undefined;
  }
}

function isRival(rival: PodInfo, pod: PodInfo): boolean {
  return rival.priority >= pod.priority && rival.uid !== pod.uid;
}

function filterError(plugin: Plugin, cause: unknown): PluginError {
  return new PluginError(plugin.name, `running "${plugin.name}" filter plugin`, cause);
}
