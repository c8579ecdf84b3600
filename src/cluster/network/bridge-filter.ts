/**
 * Nodes need br_netfilter: a pod's answer to a neighbour behind a Service passes the node's bridge and must be translated back. The kernel
 * does not load it by itself, and loading switches it on for the bridges of the whole machine, where it would lead libvirt's and other
 * bridged traffic through firewalls that never saw it. So the host, which did not ask for it, is left without.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ctx, ProcessError, run } from '../../base/index.ts';

/** Shows the network namespace of who reads it. */
const switches = '/proc/sys/net/bridge';

/** Loads the module unless it is there; the caller is in the host's namespaces. Without it the node's network says what is missing. */
export async function loadBridgeFilter({ signal }: Pick<Ctx, 'signal'>): Promise<void> {
  if (existsSync(switches)) return;
  try {
    await run(['modprobe', 'br_netfilter'], { signal });
  } catch (error) {
    if (error instanceof ProcessError) return;
    throw error;
  }
  for (const traffic of ['iptables', 'ip6tables', 'arptables']) writeFileSync(join(switches, `bridge-nf-call-${traffic}`), '0');
}
