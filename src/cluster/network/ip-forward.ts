/**
 * The host forwards packets while a cluster stands. What it did before is kept for each network namespace under /run, which a reboot
 * empties, and is put back when the last cluster goes, unless somebody else came to need it meanwhile.
 */
import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { type Ctx, run, writeFileAtomically } from '../../base/index.ts';

const sysctl = '/proc/sys/net/ipv4/ip_forward';

function memory(): string {
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/net'))![0];
  return `/run/knarr-ip-forward.${namespace}`;
}

export function enableIpForward(): void {
  const before = readFileSync(sysctl, 'utf8').trim();
  if (!existsSync(memory())) writeFileAtomically(memory(), before);
  if (before !== '1') writeFileSync(sysctl, '1');
}

/** Puts the old value back when no cluster is left here; the caller's own table is gone already and it holds the machine's lock. */
export async function restoreIpForward({ signal }: Ctx): Promise<void> {
  if (!existsSync(memory())) return;
  const { stdout } = await run(['nft', 'list', 'ruleset'], { signal });
  if (/^table ip knarr-/m.test(stdout)) return;
  // Docker or libvirt, started while a cluster was up, rely on it too: who translates addresses forwards.
  const needed = /\bmasquerade\b/.test(stdout);
  if (readFileSync(memory(), 'utf8').trim() === '0' && !needed) writeFileSync(sysctl, '0');
  rmSync(memory());
}
