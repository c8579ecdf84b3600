/** The thread that answers DNS questions, so that a busy kubelet never delays a name. Started by `cluster-dns.ts`; speaks its messages only. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, createLogger, systemClock, systemRandom } from '../base/index.ts';
import type { CatalogDelta } from './catalog/entries.ts';
import { CorefileFault } from './corefile/corefile-fault.ts';
import { type DnsServerOptions, startDnsServer } from './server/dns-server.ts';

/** What the worker is started with. */
export type DnsWorkerData = Omit<DnsServerOptions, 'clock' | 'random' | 'log'>;

/** To the worker. */
export type DnsWorkerCommand =
  | { readonly type: 'catalog'; readonly delta: CatalogDelta }
  | { readonly type: 'corefile'; readonly text: string }
  /** Answered by `alive`. */
  | { readonly type: 'ping' };

/** From the worker. */
export type DnsWorkerNotice = { readonly type: 'listening'; readonly port: number } | { readonly type: 'alive' };

const port = parentPort;
assert(port, 'the DNS worker runs as a thread');
const log = createLogger({ component: 'dns' });
const server = await startDnsServer({ ...(workerData as DnsWorkerData), clock: systemClock, random: systemRandom, log });
let configuring = Promise.resolve();
port.on('message', (command: DnsWorkerCommand) => {
  if (command.type === 'catalog') server.apply(command.delta);
  else if (command.type === 'ping') port.postMessage({ type: 'alive' } satisfies DnsWorkerNotice);
  else {
    configuring = configuring
      .then(() => server.configure(command.text))
      .catch((err: unknown) => {
        // Whoever sent it has read it before; what is left is a port that is taken.
        server.metrics.reloadFailed();
        log.error('cannot use the Corefile; the one before stays', { err: err instanceof CorefileFault ? err.message : err });
      });
  }
});
port.postMessage({ type: 'listening', port: server.port } satisfies DnsWorkerNotice);
