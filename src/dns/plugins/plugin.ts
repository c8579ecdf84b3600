/** What a server block is made of: plugins, each of which answers a request or hands it on to the next. */
import type { Outcome } from '../wire/message.ts';
import type { Query } from '../wire/query.ts';

export interface Client {
  readonly address: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
}

export interface Request {
  readonly query: Query;
  /** What is looked up: the query's, or what a rewrite made of it. */
  readonly name: string;
  readonly type: number;
  readonly client: Client;
  /** How often this server asked itself on the way here. */
  readonly depth: number;
}

/** Nobody is answered. */
export type Dropped = 'dropped';

export type Answered = Outcome | Dropped;

export type Handler = (request: Request) => Answered | Promise<Answered>;

/** Wraps what comes after it. */
export type Plugin = (next: Handler) => Handler;

/** Calls `then` at once where the answer is there at once: most are, and a promise for each would cost more than the answer. */
export function andThen(
  answered: Answered | Promise<Answered>,
  then: (outcome: Outcome) => Answered | Promise<Answered>,
): Answered | Promise<Answered> {
  if (answered === 'dropped') return answered;
  if (!(answered instanceof Promise)) return then(answered);
  return answered.then((outcome) => (outcome === 'dropped' ? outcome : then(outcome)));
}
