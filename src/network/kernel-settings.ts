/**
 * Switches of the kernel without which pods reach nobody: forwarding, and bridged packets through the translation rules (else a pod's
 * answer to a neighbour behind a Service is lost). Of the network namespace that this process is in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Ctx, ProcessError, run } from '../base/index.ts';

const settings = '/proc/sys/net';

/** @param options.interfaces those that IPv6 packets come in by, when there are IPv6 pods */
export async function prepareKernel(
  options: { readonly ipv6: boolean; readonly interfaces: readonly string[] },
  { signal, log }: Ctx,
): Promise<void> {
  write('ipv4/ip_forward', '1');
  if (options.ipv6) {
    // A router takes no default route from others unless it is told to: the machine would lose the one that it has.
    for (const each of options.interfaces) if (read(`ipv6/conf/${each}/accept_ra`) === '1') write(`ipv6/conf/${each}/accept_ra`, '2');
    write('ipv6/conf/all/forwarding', '1');
  }
  if (read('bridge/bridge-nf-call-iptables') === undefined) {
    try {
      await run(['modprobe', 'br_netfilter'], { signal });
    } catch (err) {
      if (!(err instanceof ProcessError)) throw err;
      log.error('the kernel module br_netfilter is missing: Services do not reach pods on the same node', { err });
      return;
    }
  }
  write('bridge/bridge-nf-call-iptables', '1');
  if (options.ipv6) write('bridge/bridge-nf-call-ip6tables', '1');
}

/** Lets the kernel tell neighbours of an interface's addresses whenever the interface is given a hardware address. */
export function allowNotices(device: string): void {
  write(`ipv4/conf/${device}/arp_notify`, '1');
  if (read(`ipv6/conf/${device}/ndisc_notify`) !== undefined) write(`ipv6/conf/${device}/ndisc_notify`, '1');
}

function read(name: string): string | undefined {
  try {
    return readFileSync(`${settings}/${name}`, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function write(name: string, value: string): void {
  if (read(name) !== value) writeFileSync(`${settings}/${name}`, value);
}
