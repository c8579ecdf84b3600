/**
 * Connections that outlive their endpoint. TCP notices by itself; a UDP client would go on talking to a pod that is gone, so its conntrack
 * entries are deleted. @source kube-proxy v1.35, pkg/proxy/conntrack
 */
import { type Ctx, isAbort, ProcessError, run } from '../base/index.ts';
import type { Ruleset } from './ruleset.ts';

/** The `conntrack -D` calls that a change needs: UDP endpoints that left, and UDP ports that got their first endpoint. Pure. */
export function staleConnections(before: Ruleset, after: Ruleset): string[][] {
  const stale: string[][] = [];
  for (const [key, slots] of before.slots) {
    const parsed = /^(?:([\d.]+) \. )?udp \. (\d+)$/.exec(key);
    if (!parsed) continue;
    const [, ip, port] = parsed;
    const kept = new Set(after.slots.get(key));
    for (const backend of new Set(slots)) {
      if (kept.has(backend)) continue;
      const address = backend.split(' . ')[0]!;
      stale.push(
        ip === undefined ? ['-p', 'udp', '--dport', port!, '--dst-nat', address] : ['-p', 'udp', '--orig-dst', ip, '--dst-nat', address],
      );
    }
    // Packets that were let through untranslated while there was no endpoint.
    if (slots.length === 0 && kept.size > 0)
      stale.push(ip === undefined ? ['-p', 'udp', '--dport', port!] : ['-p', 'udp', '--orig-dst', ip]);
  }
  return stale;
}

export async function forgetConnections(before: Ruleset, after: Ruleset, ctx: Ctx): Promise<void> {
  for (const entries of staleConnections(before, after)) {
    try {
      await run(['conntrack', '-D', ...entries], { signal: ctx.signal });
    } catch (err) {
      // Exit code 1 says that nothing matched, which is the usual case.
      if (isAbort(err, ctx.signal) || !(err instanceof ProcessError)) throw err;
      if (err.exitCode !== 1) ctx.log.warn('cannot forget connections to an endpoint that is gone', { entries, err });
    }
  }
}
