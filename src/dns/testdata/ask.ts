/** One question to a server of this machine, read by somebody else's decoder. */
import { createSocket } from 'node:dgram';
import { systemClock } from '../../base/index.ts';
import packet, { type DecodedPacket, type Question } from 'dns-packet';

export interface Told {
  readonly rcode: string;
  /** `<type> <data>` of each. */
  readonly answers: readonly string[];
}

/** @returns undefined when no answer comes within `limitMs` */
export function ask(port: number, name: string, { type = 'A', limitMs = 4000 } = {}): Promise<Told | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (told: Told | undefined): void => {
      timer.cancel();
      socket.close();
      resolve(told);
    };
    const timer = systemClock.setTimer(limitMs, () => end(undefined));
    // Nobody listens: the answer may come to the next question.
    socket.on('error', () => end(undefined));
    socket.on('message', (bytes) => {
      const { rcode, answers = [] } = packet.decode(bytes) as DecodedPacket & { readonly rcode: string };
      end({ rcode, answers: answers.map((record) => `${record.type} ${String((record as { data: unknown }).data)}`) });
    });
    const question = { type, name } as Question;
    socket.connect(port, '127.0.0.1', () => socket.send(packet.encode({ type: 'query', id: 7, questions: [question] })));
  });
}

/** A port that nobody has just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}
