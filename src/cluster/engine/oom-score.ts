/**
 * Who dies last when the machine runs out of memory: what keeps a node alive, before any container. Root may lack the right to say so, in a
 * container or a locked-down service; then everything runs at the score that it was started with.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** @source KubeletConfiguration.oomScoreAdj, which containerd's own unit shares; pkg/kubelet/qos/policy.go for critical pods */
const scores = { node: -999, controlPlane: -997 } as const;

/** @source linux/capability.h */
const sysResource = 24n;

/** Keeps this process, and what it starts, from the kernel's out-of-memory killer where that is allowed. */
export function protectFromOomKiller(role: keyof typeof scores): void {
  if (mayLowerOomScore()) writeFileSync('/proc/self/oom_score_adj', String(scores[role]));
}

/** Whether this process may lower `oom_score_adj`: that needs CAP_SYS_RESOURCE. */
export function mayLowerOomScore(): boolean {
  return hasSysResource(readFileSync('/proc/self/status', 'utf8'));
}

/** @param status text of `/proc/PID/status` */
export function hasSysResource(status: string): boolean {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> sysResource) & 1n) === 1n;
}
