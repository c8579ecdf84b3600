/**
 * Asks again and again, each time over a new connection, and prints one line of JSON an answer: `node steady-client.ts JOB`, in the network
 * of a pod. Runs until it is killed.
 */
import { get } from 'node:http';

interface Job {
  /** Name → `host:port`; every client asks all of them in turn. */
  readonly targets: Readonly<Record<string, string>>;
  readonly clients: number;
  /** Between an answer and the next question. */
  readonly pauseMs: number;
  readonly timeoutMs: number;
}

const job = JSON.parse(process.argv[2]!) as Job;
const targets = Object.entries(job.targets);

function ask(place: string): Promise<{ readonly answer: string } | { readonly error: string }> {
  const [host, port] = place.split(':') as [string, string];
  return new Promise((resolve) => {
    const asked = get({ host, port, path: '/hostname', agent: false }, (response) => {
      let answer = '';
      response.on('data', (bytes: Buffer) => (answer += bytes.toString()));
      response.on('end', () => finish({ answer }));
      response.on('error', (error) => finish({ error: String(error) }));
    });
    const finish = (outcome: { readonly answer: string } | { readonly error: string }): void => {
      clearTimeout(timer);
      asked.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish({ error: 'TIMEOUT' }), job.timeoutMs);
    asked.on('error', (error: NodeJS.ErrnoException) => finish({ error: error.code ?? error.message }));
  });
}

async function runClient(): Promise<void> {
  for (let turn = 0; ; turn++) {
    const [target, place] = targets[turn % targets.length]!;
    const atMs = Date.now();
    const began = performance.now();
    const outcome = await ask(place);
    console.log(JSON.stringify({ target, atMs, tookMs: performance.now() - began, ...outcome }));
    await new Promise((resolve) => setTimeout(resolve, job.pauseMs));
  }
}

await Promise.all(Array.from({ length: job.clients }, runClient));
