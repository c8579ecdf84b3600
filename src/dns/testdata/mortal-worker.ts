/** The thread that answers, with two faults: a Corefile that says `# die` ends it, one that says `# hang` keeps it busy for good. */
import { parentPort } from 'node:worker_threads';
import type { DnsWorkerCommand } from '../dns-worker.ts';

await import('../dns-worker.ts');
parentPort!.on('message', (command: DnsWorkerCommand) => {
  if (command.type !== 'corefile') return;
  if (command.text.includes('# die')) process.exit(1);
  while (command.text.includes('# hang'));
});
