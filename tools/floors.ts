/**
 * Holds the house to its floors: a room imports only from floors below, through a door (an `index.ts`), and never from a room of
 * its own floor. Prints every arrow that breaks the rule and ends with exit code 1.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Rooms by floor; ARCHITECTURE.md draws the same table. */
export const floors: readonly (readonly string[])[] = [
  ['base', 'api'],
  ['store', 'pki'],
  ['client'],
  ['apiserver', 'controllers', 'scheduler', 'kubelet', 'proxy', 'network', 'dns', 'ingress', 'kubectl'],
  ['controlplane', 'agent'],
  ['cluster', 'testing'],
  ['cli'],
];
/** Rooms of the ground floor import packages only, and each other not at all. */
const importPattern = /^\s*(?:import|export)\b[^'"]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)|^\s*import\s+'(\.[^']+)'/gm;

export interface Breach {
  readonly file: string;
  readonly target: string;
  readonly why: string;
}

/** Every import below `source` that breaks the rule. */
export function findBreaches(source: string): { readonly breaches: Breach[]; readonly arrows: number } {
  const breaches: Breach[] = [];
  let arrows = 0;
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const room = file.split('/')[0]!;
    for (const match of readFileSync(join(source, file), 'utf8').matchAll(importPattern)) {
      const target = relative(source, join(source, dirname(file), match[1] ?? match[2] ?? match[3]!));
      const targetRoom = target.split('/')[0]!;
      arrows++;
      if (targetRoom === room) continue;
      const why = breachOf(room, targetRoom, target);
      if (why) breaches.push({ file, target, why });
    }
  }
  return { breaches, arrows };
}

function breachOf(room: string, targetRoom: string, target: string): string | undefined {
  const from = floors.findIndex((rooms) => rooms.includes(room));
  const to = floors.findIndex((rooms) => rooms.includes(targetRoom));
  if (from < 0 || to < 0) return 'not a room of the house';
  if (to >= from) return to === from ? 'rooms of one floor do not know each other' : 'the arrow runs up';
  if (!target.endsWith('/index.ts')) return 'not through the door (an index.ts)';
  return undefined;
}

if (import.meta.main) {
  const { breaches, arrows } = findBreaches(fileURLToPath(new URL('../src', import.meta.url)));
  for (const { file, target, why } of breaches) console.error(`src/${file} → src/${target}: ${why}`);
  if (arrows === 0) console.error('no import was found: the pattern is broken');
  process.exitCode = breaches.length > 0 || arrows === 0 ? 1 : 0;
}
