/** The thread that answers DNS questions, so that a busy kubelet never delays a name. Started by `cluster-dns.ts`; speaks its messages only. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, systemClock } from '../base/index.ts';
import type { DnsServerOptions } from './server.ts';
import { startDnsServer } from './server.ts';
import type { Zone } from './zone.ts';

/** What the worker is started with. */
export type DnsWorkerData = Omit<DnsServerOptions, 'clock'>;

/** To the worker. */
export type DnsWorkerCommand = { readonly type: 'zone'; readonly zone: Zone } | { readonly type: 'close' };

/** From the worker. */
export type DnsWorkerNotice = { readonly type: 'listening'; readonly port: number };

const port = parentPort;
assert(port, 'the DNS worker runs as a thread');
const server = await startDnsServer({ ...(workerData as DnsWorkerData), clock: systemClock });
port.on('message', (command: DnsWorkerCommand) => {
  if (command.type === 'zone') server.setZone(command.zone);
  else void server.close().then(() => port.close());
});
port.postMessage({ type: 'listening', port: server.port } satisfies DnsWorkerNotice);
