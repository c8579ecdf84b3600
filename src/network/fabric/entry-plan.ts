/**
 * From what stands to what is wanted: the commands in between, and no others. Of one transaction the tunnels' tables come before the
 * routes that lead into them, and of one program what goes comes before what comes. Pure; prints as the text that is run.
 */
import { type Entry, type Program, programOf, removeCommand, sameEntry, setCommand } from './entry.ts';

/** What is under one key. */
export interface Difference {
  readonly key: string;
  readonly stands: Entry | undefined;
  readonly wanted: Entry | undefined;
}

export interface Command {
  readonly key: string;
  readonly text: string;
  /** What stands when it is done. */
  readonly outcome: Entry | undefined;
}

/** In the order in which they are run. */
export type Plan = Readonly<Record<Program, readonly Command[]>>;

const order: readonly Entry['kind'][] = ['forwarding', 'neighbour', 'route'];

export function planChanges(differences: Iterable<Difference>): Plan {
  const going: Command[] = [];
  const coming: (Command & { readonly kind: Entry['kind'] })[] = [];
  const programs = new Map<Command, Program>();
  for (const { key, stands, wanted } of differences) {
    if (wanted) {
      if (stands && sameEntry(stands, wanted)) continue;
      const command = { key, text: setCommand(wanted), outcome: wanted, kind: wanted.kind };
      coming.push(command);
      programs.set(command, programOf(wanted));
    } else if (stands) {
      const command = { key, text: removeCommand(stands), outcome: undefined };
      // A route goes before the next hop it leads to.
      if (stands.kind === 'route') going.unshift(command);
      else going.push(command);
      programs.set(command, programOf(stands));
    }
  }
  coming.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  const all = [...going, ...coming];
  const of = (program: Program): Command[] => all.filter((command) => programs.get(command) === program);
  return { bridge: of('bridge'), ip: of('ip') };
}

export function isEmpty(plan: Plan): boolean {
  return plan.bridge.length + plan.ip.length === 0;
}

/** The plan as somebody would type it. */
export function formatPlan(plan: Plan): string {
  const lines = [...plan.bridge.map(({ text }) => `bridge ${text}`), ...plan.ip.map(({ text }) => `ip ${text}`)];
  return lines.map((line) => `${line}\n`).join('');
}
