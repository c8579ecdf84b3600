/** What probes last said of each container, kept from the prober's reports so that plans can ask without waiting. */
import type { ProbeReport } from '../seams.ts';

export class ProbeVerdicts {
  readonly #verdicts = new Map<string, ProbeReport>();

  report(report: ProbeReport): void {
    this.#verdicts.set(`${report.containerId}/${report.kind}`, report);
  }

  verdict(containerId: string, probe: 'startup' | 'liveness'): 'success' | 'failure' | undefined {
    return this.#verdicts.get(`${containerId}/${probe}`)?.result;
  }

  /** Forgets the containers of a pod that is gone. */
  forgetPod(podUid: string): void {
    for (const [key, report] of this.#verdicts) if (report.podUid === podUid) this.#verdicts.delete(key);
  }
}
