/**
 * Brings the kernel's table to what is wanted, through `nft -f -`: one transaction an update, with changes only.
 * Invariants: one call at a time; what the kernel took is remembered and never read back; a Service that nftables refuses costs only itself:
 * its old rules stay and the others go through.
 */
import { type Clock, type Ctx, ProcessError, run } from '../base/index.ts';
import { breather } from '../client/index.ts';
import { readAffinity } from './affinity-memory.ts';
import type { ClaimedPort } from './port-claims.ts';
import { type Draft, Ruleset } from './ruleset.ts';
import type { RunTool } from './run-tool.ts';
import type { VirtualPort } from './service-ports.ts';
import { tablesStand } from './table-drift.ts';
import { renderRemoval, type TableOptions } from './table-frame.ts';

/** What is wanted, by key of the virtual port. */
export interface WantedPorts {
  get(key: string): ClaimedPort | undefined;
  keys(): Iterable<string>;
}

/** A Service whose rules nftables did not take. */
export interface Refusal {
  /** `namespace/name`. */
  readonly service: string;
  readonly keys: readonly string[];
  readonly error: ProcessError;
}

/** More Services than this are not refused for what they say: something is wrong with the table or the kernel. */
const maxRefused = 32;

/** The ports of one Service that changed. */
interface Group {
  readonly service: string;
  readonly keys: readonly string[];
}

export class TableWriter {
  readonly #options: TableOptions;
  readonly #clock: Clock;
  readonly #run: RunTool;
  #ruleset: Ruleset | undefined;
  #stands = false;

  constructor(options: TableOptions, clock: Clock, runTool: RunTool = run) {
    this.#options = options;
    this.#clock = clock;
    this.#run = runTool;
  }

  /** The table was written and has not been found changed. */
  get stands(): boolean {
    return this.#stands;
  }

  /** Writes the whole table anew in one transaction, in place of whatever stands there; clients with session affinity stay remembered. */
  async rewrite(wanted: WantedPorts, ctx: Ctx): Promise<Refusal[]> {
    const groups = this.#group(wanted.keys(), wanted);
    try {
      await this.#replace(groups, new Map(), wanted, ctx);
      return [];
    } catch (err) {
      if (!(err instanceof ProcessError) || err.exitCode === null) throw err;
      // Without any Service it must pass, else no Service is at fault.
      await this.#check([], wanted, ctx);
      const refused = await this.#findRefused(groups, wanted, ctx);
      if (refused.length === 0 || refused.length > maxRefused) throw err;
      await this.#replace(groups, new Map(refused.map((each) => [each.service, each])), wanted, ctx);
      return refused;
    }
  }

  /** Applies the changes of these ports. @throws ProcessError when no single Service is at fault */
  async apply(keys: Iterable<string>, wanted: WantedPorts, ctx: Ctx): Promise<Refusal[]> {
    const groups = this.#group(keys, wanted);
    try {
      await this.#applyGroups(groups, wanted, ctx);
      return [];
    } catch (err) {
      if (!(err instanceof ProcessError) || err.exitCode === null) throw err;
      if (!(await this.isIntact(ctx))) throw err;
      return this.#applyHalves(groups, err, wanted, ctx);
    }
  }

  /** Whether our tables still stand with their rules. Costs a few milliseconds. */
  async isIntact({ signal }: Ctx): Promise<boolean> {
    this.#stands &&= await tablesStand(this.#options, this.#run, signal);
    return this.#stands;
  }

  /** Removes chains that nothing leads to any more. Kernels before 6.2 may refuse it for a moment: then it is for another time. */
  async tidy(ctx: Ctx): Promise<void> {
    const idle = this.#ruleset?.idleChains();
    if (!idle || idle.text === '') return;
    try {
      await this.#nft(idle.text, ctx);
      idle.forget();
    } catch (err) {
      if (!(err instanceof ProcessError)) throw err;
      ctx.log.debug('unused chains stay for now', { err });
    }
  }

  #group(keys: Iterable<string>, wanted: WantedPorts): Group[] {
    const groups = new Map<string, string[]>();
    for (const key of keys) {
      const placed = this.#ruleset?.get(key)?.port;
      const service = wanted.get(key)?.service ?? (placed && serviceOf(placed));
      if (service === undefined) continue;
      const group = groups.get(service);
      if (group) group.push(key);
      else groups.set(service, [key]);
    }
    return [...groups].map(([service, group]) => ({ service, keys: group }));
  }

  async #draft(ruleset: Ruleset, groups: readonly Group[], portOf: (key: string, group: Group) => VirtualPort | undefined): Promise<Draft> {
    const draft = ruleset.draft();
    for (const group of groups) {
      for (const key of group.keys) draft.set(key, portOf(key, group));
      await breather(this.#clock);
    }
    return draft;
  }

  async #replace(groups: readonly Group[], refused: ReadonlyMap<string, Refusal>, wanted: WantedPorts, ctx: Ctx): Promise<void> {
    const before = this.#ruleset;
    const ruleset = new Ruleset(this.#options, before);
    const draft = await this.#draft(ruleset, groups, (key, { service }) =>
      refused.has(service) ? before?.get(key)?.port : wanted.get(key)?.port,
    );
    const remembered = await readAffinity(this.#options, this.#run, ctx.signal);
    await this.#nft(ruleset.renderFrame() + draft.render() + remembered, ctx);
    draft.commit();
    this.#ruleset = ruleset;
    this.#stands = true;
  }

  async #applyGroups(groups: readonly Group[], wanted: WantedPorts, ctx: Ctx): Promise<void> {
    const ruleset = this.#ruleset!;
    const draft = await this.#draft(ruleset, groups, (key) => wanted.get(key)?.port);
    const script = draft.render();
    if (script !== '') await this.#nft(script, ctx);
    draft.commit();
  }

  /** Halves what was refused until the Services at fault stand alone. */
  async #applyHalves(groups: readonly Group[], error: ProcessError, wanted: WantedPorts, ctx: Ctx): Promise<Refusal[]> {
    if (groups.length <= 1) return groups.map((group) => ({ ...group, error }));
    const middle = Math.ceil(groups.length / 2);
    const refused: Refusal[] = [];
    for (const half of [groups.slice(0, middle), groups.slice(middle)]) {
      try {
        await this.#applyGroups(half, wanted, ctx);
      } catch (err) {
        if (!(err instanceof ProcessError) || err.exitCode === null) throw err;
        refused.push(...(await this.#applyHalves(half, err, wanted, ctx)));
        if (refused.length > maxRefused) throw err;
      }
    }
    return refused;
  }

  /** The Services that would be refused in a table of their own; nothing is written. */
  async #findRefused(groups: readonly Group[], wanted: WantedPorts, ctx: Ctx): Promise<Refusal[]> {
    try {
      await this.#check(groups, wanted, ctx);
      return [];
    } catch (err) {
      if (!(err instanceof ProcessError) || err.exitCode === null) throw err;
      if (groups.length === 1) return [{ ...groups[0]!, error: err }];
    }
    const middle = Math.ceil(groups.length / 2);
    const first = await this.#findRefused(groups.slice(0, middle), wanted, ctx);
    if (first.length > maxRefused) return first;
    return [...first, ...(await this.#findRefused(groups.slice(middle), wanted, ctx))];
  }

  async #check(groups: readonly Group[], wanted: WantedPorts, ctx: Ctx): Promise<void> {
    const ruleset = new Ruleset(this.#options);
    const draft = await this.#draft(ruleset, groups, (key) => wanted.get(key)?.port);
    await this.#run(['nft', '-c', '-f', '-'], { signal: ctx.signal, input: ruleset.renderFrame() + draft.render() });
  }

  async #nft(input: string, { signal }: Ctx): Promise<void> {
    await this.#run(['nft', '-f', '-'], { signal, input });
  }
}

function serviceOf({ service }: VirtualPort): string {
  const colon = service.indexOf(':');
  return colon < 0 ? service : service.slice(0, colon);
}

/** Removes the tables of a proxy that is no more, there or not; used when a node leaves. */
export async function removeProxyTable(table: string, signal: AbortSignal, runTool: RunTool = run): Promise<void> {
  await runTool(['nft', '-f', '-'], { signal, input: renderRemoval(table) });
}
