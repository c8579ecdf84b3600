/** Orders to the running server over its socket: one connection an order, since that is what the server promises to understand. */
import { connect } from 'node:net';
import type { Clock } from '../base/index.ts';
import { type ChangedMap, pieces } from './runtime-changes.ts';

/** An order that the server refused, or that nobody answered. */
export class HaproxyError extends Error {
  override readonly name = 'HaproxyError';
}

const answerLimitMs = 5000;
const maxAnswerBytes = 16 * 1024 * 1024;

export class HaproxySocket {
  readonly #path: string;
  readonly #clock: Clock;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Sends orders, several of them in one line, and resolves with what was answered. @throws HaproxyError when nobody answers */
  send(order: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#path);
      const chunks: Buffer[] = [];
      let length = 0;
      const fail = (why: string): void => {
        timer.cancel();
        socket.destroy();
        reject(new HaproxyError(`the server did not take ${JSON.stringify(order.slice(0, 100))}: ${why}`));
      };
      const timer = this.#clock.setTimer(answerLimitMs, () => fail('it did not answer'));
      socket.once('error', (error) => fail(error.message));
      socket.once('connect', () => socket.write(`${order}\n`));
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > maxAnswerBytes) fail('its answer does not end');
      });
      socket.once('end', () => {
        timer.cancel();
        socket.destroy();
        resolve(Buffer.concat(chunks).toString('latin1').trim());
      });
    });
  }

  /** Sends orders that are answered by nothing, or by what was done. @throws HaproxyError when one is refused */
  async tell(orders: readonly string[]): Promise<void> {
    for (const piece of pieces(orders)) {
      const answer = await this.send(piece.join('; '));
      const refused = answer.split('\n').find((line) => line !== '' && !accepted.test(line));
      if (refused !== undefined) throw new HaproxyError(`the server refused ${JSON.stringify(piece.join('; '))}: ${refused}`);
    }
  }

  /** Replaces a map in one step: requests see the old one or the new one. */
  async replaceMap({ file, lines }: ChangedMap): Promise<void> {
    const version = /^New version created: (\d+)$/m.exec(await this.send(`prepare map ${file}`))?.[1];
    if (version === undefined) throw new HaproxyError(`the server has no map ${file}`);
    for (const piece of pieces(lines)) {
      if (piece.length === 0) continue;
      const answer = await this.send(`add map @${version} ${file} <<\n${piece.join('\n')}\n`);
      if (answer !== '') throw new HaproxyError(`the server refused lines of ${file}: ${answer}`);
    }
    const answer = await this.send(`commit map @${version} ${file}`);
    if (answer !== '') throw new HaproxyError(`the server refused ${file}: ${answer}`);
  }

  /** What the running server calls its configuration; undefined when nobody answers. */
  async generation(): Promise<string | undefined> {
    try {
      return /^description: (.*)$/im.exec(await this.send('show info'))?.[1];
    } catch (error) {
      if (error instanceof HaproxyError) return undefined;
      throw error;
    }
  }
}

/** What is answered to an order that was carried out. */
const accepted = /^(IP changed from|port changed from|no need to change)/;
