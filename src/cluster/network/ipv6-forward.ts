/**
 * The host forwards IPv6 packets while a cluster with such addresses stands. The kernel then takes no default route from a router's
 * advertisements any more, unless an interface is told to; what was changed is kept under /run and put back with the last such cluster.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { type Ctx, run, writeFileAtomically } from '../../base/index.ts';

const settings = '/proc/sys/net/ipv6/conf';
const forwarding = `${settings}/all/forwarding`;

interface Memory {
  readonly forwarding: string;
  /** Interfaces that took advertisements, which is 1, and were told to go on doing so, which is 2. */
  readonly advertised: readonly string[];
}

function memory(): string {
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/net'))![0];
  return `/run/knarr-ipv6-forward.${namespace}`;
}

/** Whether the kernel has IPv6 at all. */
export function hasIpv6(): boolean {
  return existsSync(forwarding);
}

export function enableIpv6Forward(): void {
  const before = read(forwarding);
  if (before === '1') {
    // Nothing of it is our doing, or all of it is remembered.
    if (!existsSync(memory())) remember({ forwarding: before, advertised: [] });
    return;
  }
  // Not `default`: what comes later takes routes from nobody unless it is told to. Neither do the bridges of clusters, and their ends.
  const advertised = readdirSync(settings).filter((name) => !/^(all|default|lo|k[nv]-.*)$/.test(name) && read(acceptRa(name)) === '1');
  const known = existsSync(memory()) ? (JSON.parse(read(memory())) as Memory) : undefined;
  remember({ forwarding: known?.forwarding ?? before, advertised: [...new Set([...(known?.advertised ?? []), ...advertised])] });
  for (const name of advertised) writeFileSync(acceptRa(name), '2');
  writeFileSync(forwarding, '1');
}

/** Puts the old values back when no cluster with IPv6 is left here; the caller's own table is gone already and it holds the machine's lock. */
export async function restoreIpv6Forward({ signal }: Pick<Ctx, 'signal'>): Promise<void> {
  if (!existsSync(memory())) return;
  const { stdout } = await run(['nft', 'list', 'ruleset'], { signal });
  if (/^table ip6 knarr-/m.test(stdout)) return;
  const before = JSON.parse(read(memory())) as Memory;
  if (before.forwarding === '0' && !translatesIpv6(stdout)) {
    writeFileSync(forwarding, '0');
    for (const name of before.advertised) if (read(acceptRa(name)) === '2') writeFileSync(acceptRa(name), '1');
  }
  rmSync(memory());
}

/** Whether somebody else came to need it: who translates addresses forwards. Pure. */
export function translatesIpv6(ruleset: string): boolean {
  return ruleset.split(/^(?=table )/m).some((table) => /^table (ip6|inet) /.test(table) && /\bmasquerade\b/.test(table));
}

function acceptRa(name: string): string {
  return `${settings}/${name}/accept_ra`;
}

function remember(value: Memory): void {
  writeFileAtomically(memory(), JSON.stringify(value));
}

/** Empty when there is no such file: interfaces come and go. */
function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
}
