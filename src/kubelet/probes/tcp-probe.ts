/** Probes by opening a connection, which is closed at once. @source pkg/probe/tcp */
import { connect } from 'node:net';
import type { Clock } from '../../base/index.ts';
import { joinHostPort, networkErrorText } from './network-error.ts';
import type { ProbeOutcome } from './outcome.ts';

export function tcpProbe(
  target: { readonly host: string; readonly port: number; readonly timeoutMs: number },
  clock: Clock,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const { host, port, timeoutMs } = target;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const finish = (outcome: ProbeOutcome): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(outcome);
    };
    const onAbort = (): void => {
      timer.cancel();
      socket.destroy();
      reject(signal.reason as Error);
    };
    const timer = clock.setTimer(timeoutMs, () =>
      finish({ result: 'failure', output: `dial tcp ${joinHostPort(host, port)}: i/o timeout` }),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => finish({ result: 'success', output: '' }));
    socket.once('error', (error) => finish({ result: 'failure', output: networkErrorText(error, host, port) }));
  });
}
