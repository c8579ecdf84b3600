/**
 * What the nftables table shall hold, and what has changed in it since it was last taken: sets, maps, their elements, and chains. The text
 * of one change costs what has changed, never what there is. Pure.
 */

/** The part of the table that never changes: declared first, hooked last. */
export interface TableFrame {
  readonly table: string;
  /** Statements of the table's block. */
  readonly lines: readonly string[];
}

interface SetEntry {
  readonly declaration: string;
  /** Element → what it leads to; '' in a set. */
  readonly elements: Map<string, string>;
}

export class TableLedger {
  readonly #frame: TableFrame;
  readonly #sets = new Map<string, SetEntry>();
  readonly #chains = new Map<string, readonly string[]>();
  /** What the kernel had of what was touched since; undefined: nothing. */
  readonly #touchedSets = new Map<string, string | undefined>();
  readonly #touchedElements = new Map<string, Map<string, string | undefined>>();
  readonly #touchedChains = new Map<string, readonly string[] | undefined>();

  constructor(frame: TableFrame) {
    this.#frame = frame;
  }

  get isClean(): boolean {
    return this.#touchedSets.size + this.#touchedElements.size + this.#touchedChains.size === 0;
  }

  /** @param declaration its body, such as `type ipv4_addr;` */
  declareSet(name: string, declaration: string): void {
    touch(this.#touchedSets, name, this.#sets.get(name)?.declaration);
    this.#sets.set(name, { declaration, elements: new Map() });
  }

  dropSet(name: string): void {
    const entry = this.#sets.get(name);
    if (!entry) return;
    for (const element of entry.elements.keys()) this.remove(name, element);
    touch(this.#touchedSets, name, entry.declaration);
    this.#sets.delete(name);
  }

  put(set: string, element: string, value = ''): void {
    const { elements } = this.#sets.get(set)!;
    const old = elements.get(element);
    if (old === value) return;
    this.#touchElement(set, element, old);
    elements.set(element, value);
  }

  remove(set: string, element: string): void {
    const elements = this.#sets.get(set)?.elements;
    const old = elements?.get(element);
    if (old === undefined) return;
    this.#touchElement(set, element, old);
    elements!.delete(element);
  }

  putChain(name: string, rules: readonly string[]): void {
    touch(this.#touchedChains, name, this.#chains.get(name));
    this.#chains.set(name, rules);
  }

  dropChain(name: string): void {
    touch(this.#touchedChains, name, this.#chains.get(name));
    this.#chains.delete(name);
  }

  /** What the element leads to. */
  get(set: string, element: string): string | undefined {
    return this.#sets.get(set)?.elements.get(element);
  }

  elements(set: string): readonly string[] {
    return [...(this.#sets.get(set)?.elements.keys() ?? [])];
  }

  chain(name: string): readonly string[] | undefined {
    return this.#chains.get(name);
  }

  /** The transaction for what has changed since the last call of this or of `takeWhole`; empty when nothing has. */
  takeChange(): string {
    const { table } = this.#frame;
    const first: string[] = [];
    const gone: string[] = [];
    const come: string[] = [];
    const last: string[] = [];
    for (const [name, before] of this.#touchedSets) {
      const now = this.#sets.get(name)?.declaration;
      if (before === undefined && now !== undefined) first.push(`add ${kindOf(now)} inet ${table} ${name} { ${now} }`);
      if (before !== undefined && now === undefined) last.push(`delete ${kindOf(before)} inet ${table} ${name}`);
    }
    for (const [name, before] of this.#touchedChains) {
      const now = this.#chains.get(name);
      if (now && !before) first.push(`add chain inet ${table} ${name}`);
      if (now && before) first.push(`flush chain inet ${table} ${name}`);
      for (const rule of now ?? []) first.push(`add rule inet ${table} ${name} ${rule}`);
      if (!now && before) last.unshift(`flush chain inet ${table} ${name}`, `delete chain inet ${table} ${name}`);
    }
    for (const [set, touched] of this.#touchedElements) {
      const now = this.#sets.get(set)?.elements;
      const isNew = this.#touchedSets.has(set) && this.#touchedSets.get(set) === undefined;
      const old = [...touched].filter(([element, before]) => before !== undefined && before !== now?.get(element));
      const fresh = [...touched.keys()].filter((element) => now?.has(element) && now.get(element) !== touched.get(element));
      if (old.length > 0 && !isNew) gone.push(`delete element inet ${table} ${set} { ${old.map(([element]) => element).join(', ')} }`);
      if (fresh.length > 0) come.push(addElements(table, set, fresh, now!));
    }
    this.#forget();
    return [...first, ...gone, ...come, ...last].map((line) => `${line}\n`).join('');
  }

  /** The transaction that puts the whole table in the place of whatever has its name. */
  takeWhole(): string {
    this.#forget();
    const { table, lines } = this.#frame;
    const text: string[] = [`add table inet ${table}`, `delete table inet ${table}`, `table inet ${table} {`];
    for (const [name, { declaration }] of this.#sets) text.push(`  ${kindOf(declaration)} ${name} { ${declaration} }`);
    for (const [name, rules] of this.#chains) text.push(`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), '  }');
    text.push(...lines.map((line) => `  ${line}`), '}');
    for (const [name, { elements }] of this.#sets) if (elements.size > 0) text.push(addElements(table, name, elements.keys(), elements));
    return `${text.join('\n')}\n`;
  }

  #touchElement(set: string, element: string, old: string | undefined): void {
    const touched = this.#touchedElements.get(set) ?? new Map<string, string | undefined>();
    this.#touchedElements.set(set, touched);
    touch(touched, element, old);
  }

  #forget(): void {
    this.#touchedSets.clear();
    this.#touchedElements.clear();
    this.#touchedChains.clear();
  }
}

/** The first touch knows what the kernel has. */
function touch<T>(touched: Map<string, T | undefined>, name: string, before: T | undefined): void {
  if (!touched.has(name)) touched.set(name, before);
}

function kindOf(declaration: string): 'map' | 'set' {
  return declaration.includes(': verdict') ? 'map' : 'set';
}

function addElements(table: string, set: string, elements: Iterable<string>, values: ReadonlyMap<string, string>): string {
  const items = Array.from(elements, (element) => {
    const value = values.get(element)!;
    return value === '' ? element : `${element} : ${value}`;
  });
  return `add element inet ${table} ${set} { ${items.join(', ')} }`;
}
