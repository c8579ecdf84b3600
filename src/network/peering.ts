/**
 * From Nodes to the fabric: whose claims hold, and what leads to them. A node that is out of place is left out, told of once, and costs
 * nobody else.
 */
import type { corev1 } from '../api/index.ts';
import type { Backend } from './backends/backend.ts';
import type { Fabric } from './fabric/fabric.ts';
import { type ClaimReading, claimSource, type Lease, type Membership, readClaim } from './nodes/node-claim.ts';
import { PeerTable } from './nodes/peer-table.ts';

export interface PeeringOptions {
  readonly nodeName: string;
  readonly membership: Membership;
  readonly backend: Pick<Backend, 'entriesOf'>;
  readonly own: readonly Lease[];
  readonly fabric: Fabric;
  /** Told why a node is left out; again when the reason changes. */
  readonly refuse: (node: string, reason: string) => void;
}

export class Peering {
  readonly #options: PeeringOptions;
  readonly #table: PeerTable;
  readonly #sources = new Map<string, string>();
  readonly #refusals = new Map<string, string>();

  constructor(options: PeeringOptions) {
    this.#options = options;
    this.#table = new PeerTable(options.own);
  }

  /** @returns whether anything is wanted otherwise than before */
  set(node: corev1.Node): boolean {
    const { name } = node.metadata;
    if (name === this.#options.nodeName) return false;
    const source = claimSource(node);
    if (this.#sources.get(name) === source) return false;
    this.#sources.set(name, source);
    this.#settle(name, readClaim(node, this.#options.membership));
    return true;
  }

  delete(name: string): boolean {
    if (!this.#sources.delete(name)) return false;
    this.#settle(name, { kind: 'absent' });
    return true;
  }

  /** Asks the backend again for all that holds: what it decides by has changed. */
  settleAgain(): void {
    this.#judgeAll(
      this.#sources
        .keys()
        .map((name) => ({ name }))
        .toArray(),
    );
  }

  #settle(name: string, reading: ClaimReading): void {
    const affected = this.#table.set(name, reading.kind === 'claim' ? reading.claim : undefined);
    this.#judgeAll([...affected].map((each) => ({ name: each, ...(each === name && { reading }) })));
  }

  #judgeAll(nodes: readonly { readonly name: string; readonly reading?: ClaimReading }[]): void {
    const verdicts = nodes.map(({ name, reading }) => ({ each: name, ...this.#judge(name, reading) }));
    // What was taken from one may be another's now: the fabric hears of the losses first.
    for (const { each, entries } of verdicts) if (entries.length === 0) this.#options.fabric.want(each, []);
    for (const { each, entries, reason } of verdicts) {
      if (entries.length > 0) this.#options.fabric.want(each, entries);
      this.#tell(each, reason);
    }
  }

  #judge(name: string, reading: ClaimReading | undefined) {
    if (reading?.kind === 'refused') return { entries: [], reason: reading.reason };
    const found = this.#table.look(name);
    if (!found) return { entries: [], reason: undefined };
    if ('reason' in found) return { entries: [], reason: found.reason };
    const entries = this.#options.backend.entriesOf(found.leases);
    return 'refused' in entries ? { entries: [], reason: entries.refused } : { entries, reason: undefined };
  }

  #tell(name: string, reason: string | undefined): void {
    if (this.#refusals.get(name) === reason) return;
    if (reason === undefined) this.#refusals.delete(name);
    else {
      this.#refusals.set(name, reason);
      this.#options.refuse(name, reason);
    }
  }
}
