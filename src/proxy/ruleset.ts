/**
 * The table as it stands in the kernel, and changes of it as text. A draft collects the changes of some virtual ports; what it renders is
 * one transaction, and once the kernel has taken that, `commit` makes the draft what stands. Pure: nothing is read back, and a change costs
 * what it changes.
 */
import type { IpFamily } from '../api/index.ts';
import { type Element, partsOf, type PlacedPort, placePort, type PortParts } from './port-elements.ts';
import type { VirtualPort } from './service-ports.ts';
import type { SharedChain } from './shared-chain.ts';
import { type MapName, renderFrame, type TableOptions, wordsFor } from './table-frame.ts';

export class Ruleset {
  readonly options: TableOptions;
  readonly #ports = new Map<string, PlacedPort>();
  /** How many ports ask for a shared element; by its text. */
  readonly #shared = new Map<string, number>();
  /** How many ports lead to a chain that exists; 0 for one that is not needed any more. */
  readonly #chains = new Map<string, number>();
  /** Slots for ports that are not there yet: those they had in an earlier table. */
  readonly #earlier: Ruleset | undefined;

  /** @param earlier the table that this one replaces: endpoints keep their slots */
  constructor(options: TableOptions, earlier?: Ruleset) {
    this.options = options;
    this.#earlier = earlier;
  }

  /** The port as it stands; undefined when there is none. */
  get(key: string): PlacedPort | undefined {
    return this.#ports.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#ports.keys();
  }

  draft(): Draft {
    return new Draft({
      options: this.options,
      portBefore: (key) => this.#ports.get(key),
      slotsBefore: (key) => this.#ports.get(key) ?? this.#earlier?.get(key),
      sharedCount: (text) => this.#shared.get(text) ?? 0,
      hasChain: (text) => this.#chains.has(text),
      commit: (ports, shared, chains) => {
        for (const [key, port] of ports) {
          if (port) this.#ports.set(key, port);
          else this.#ports.delete(key);
        }
        for (const [text, count] of shared) {
          if (count === 0) this.#shared.delete(text);
          else this.#shared.set(text, count);
        }
        for (const [text, delta] of chains) this.#chains.set(text, (this.#chains.get(text) ?? 0) + delta);
      },
    });
  }

  /** The empty table, to be written before a first draft in the same transaction. */
  renderFrame(): string {
    return this.options.families.map((family) => renderFrame(family, this.options)).join('');
  }

  /** Chains to which nothing leads any more, with the transaction that removes them. Older kernels refuse it for a moment after a change. */
  idleChains(): { readonly text: string; readonly forget: () => void } {
    const idle = [...this.#chains].filter(([, uses]) => uses === 0).map(([text]) => text);
    const lines = idle.flatMap((text) => [`flush chain ${text}\n`, `delete chain ${text}\n`]);
    return { text: lines.join(''), forget: () => idle.forEach((text) => this.#chains.delete(text)) };
  }
}

/** What a draft sees of the ruleset it is made of. */
interface DraftBase {
  readonly options: TableOptions;
  readonly portBefore: (key: string) => PlacedPort | undefined;
  readonly slotsBefore: (key: string) => PlacedPort | undefined;
  readonly sharedCount: (text: string) => number;
  readonly hasChain: (text: string) => boolean;
  readonly commit: (
    ports: ReadonlyMap<string, PlacedPort | undefined>,
    shared: ReadonlyMap<string, number>,
    chains: ReadonlyMap<string, number>,
  ) => void;
}

/** Elements of one map, as its statement lists them. */
type Lists = Map<string, string[]>;

/** Changes that go into one transaction. */
export class Draft {
  readonly #base: DraftBase;
  readonly #ports = new Map<string, PlacedPort | undefined>();
  readonly #removed: Lists = new Map();
  readonly #added: Lists = new Map();
  readonly #sharedDeltas = new Map<string, { readonly element: Element; delta: number }>();
  readonly #chainDeltas = new Map<string, { readonly chain: SharedChain; delta: number }>();

  constructor(base: DraftBase) {
    this.#base = base;
  }

  /** Wants the port so (undefined: gone). Once a key. */
  set(key: string, port: VirtualPort | undefined): void {
    const before = this.#base.portBefore(key);
    const after = port && placePort(key, port, this.#base.slotsBefore(key));
    this.#ports.set(key, after);
    this.#compare(partsOf(before, this.#base.options), partsOf(after, this.#base.options));
  }

  #compare(before: PortParts, after: PortParts): void {
    const old = new Map(before.elements.map((element) => [`${element.map} ${element.key}`, element]));
    for (const element of after.elements) {
      const name = `${element.map} ${element.key}`;
      const replaced = old.get(name);
      old.delete(name);
      if (replaced?.value === element.value) continue;
      if (replaced) list(this.#removed, replaced, this.#base.options);
      list(this.#added, element, this.#base.options);
    }
    for (const element of old.values()) list(this.#removed, element, this.#base.options);
    for (const [parts, delta] of [[before, -1] as const, [after, 1] as const]) {
      for (const element of parts.shared) count(this.#sharedDeltas, `${element.family} ${element.map} ${element.key}`, { element }, delta);
      for (const chain of parts.chains) count(this.#chainDeltas, this.#chainText(chain), { chain }, delta);
    }
  }

  #chainText({ family, name }: SharedChain): string {
    return `${wordsFor(family).table} ${this.#base.options.name} ${name}`;
  }

  /** The transaction; empty when nothing differs. */
  render(): string {
    const { removed, added } = this.#withShared();
    const lines: string[] = [];
    for (const [text, { chain, delta }] of this.#chainDeltas) {
      if (delta <= 0 || this.#base.hasChain(text)) continue;
      lines.push(`add chain ${text}`, ...chain.rules.map((rule) => `add rule ${text} ${rule}`));
    }
    for (const [map, elements] of removed) lines.push(`delete element ${map} { ${elements.join(', ')} }`);
    for (const [map, elements] of added) lines.push(`add element ${map} { ${elements.join(', ')} }`);
    return lines.map((line) => `${line}\n`).join('');
  }

  /** Chains are made by this transaction. */
  get makesChains(): boolean {
    return [...this.#chainDeltas].some(([text, { delta }]) => delta > 0 && !this.#base.hasChain(text));
  }

  #withShared(): { removed: Lists; added: Lists } {
    const copy = (lists: Lists): Lists => new Map([...lists].map(([map, elements]) => [map, [...elements]]));
    const removed = copy(this.#removed);
    const added = copy(this.#added);
    for (const [text, { element, delta }] of this.#sharedDeltas) {
      const before = this.#base.sharedCount(text);
      if (before === 0 && delta > 0) list(added, element, this.#base.options);
      if (before > 0 && before + delta === 0) list(removed, element, this.#base.options);
    }
    return { removed, added };
  }

  /** The kernel has taken the transaction: this is what stands now. */
  commit(): void {
    this.#base.commit(
      this.#ports,
      new Map([...this.#sharedDeltas].map(([text, { delta }]) => [text, this.#base.sharedCount(text) + delta])),
      new Map(
        [...this.#chainDeltas]
          .filter(([text, { delta }]) => delta > 0 || this.#base.hasChain(text))
          .map(([text, { delta }]) => [text, delta]),
      ),
    );
  }
}

function list(lists: Lists, { family, map, key, value }: Element, { name }: TableOptions): void {
  const target = mapText(family, map, name);
  const elements = lists.get(target);
  const text = value === undefined ? key : `${key} : ${value}`;
  if (elements) elements.push(text);
  else lists.set(target, [text]);
}

function mapText(family: IpFamily, map: MapName, name: string): string {
  return `${wordsFor(family).table} ${name} ${map}`;
}

function count<T extends object>(counts: Map<string, T & { delta: number }>, text: string, value: T, delta: number): void {
  const found = counts.get(text);
  if (found) found.delta += delta;
  else counts.set(text, { ...value, delta });
}
