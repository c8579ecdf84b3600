/**
 * Readers of long lists, a process of its own, so that what they take in holds up nobody who measures: `node bench/list-readers.ts JOB` ends
 * when all have read all.
 */
import { H2Connection, type H2Target } from './h2-client.ts';

export interface ReadersJob {
  readonly target: H2Target;
  readonly path: string;
  /** Each on a connection of its own. */
  readonly readers: number;
}

async function readList({ target, path }: ReadersJob): Promise<void> {
  using connection = await H2Connection.open(target);
  const { status } = await connection.request({ method: 'GET', path, onData: () => {} });
  if (status !== 200) throw new Error(`GET ${path} was answered ${status}`);
}

if (import.meta.main) {
  // Written by `bench/api-lists.ts`.
  const job = JSON.parse(process.argv[2]!) as ReadersJob;
  await Promise.all(Array.from({ length: job.readers }, () => readList(job)));
  process.exit(0);
}
