import { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { VirtualClock } from '../../base/index.ts';
import { HandshakeAdmission } from './handshake-admission.ts';

function crowd(limits: { readonly atOnce?: number; readonly waiting?: number }): {
  readonly clock: VirtualClock;
  readonly begun: Socket[];
  readonly admission: HandshakeAdmission;
  readonly add: (count: number) => Socket[];
} {
  const clock = new VirtualClock();
  const begun: Socket[] = [];
  const admission = new HandshakeAdmission({ clock, limits: { ...limits, slowMs: 500 }, begin: (socket) => void begun.push(socket) });
  const add = (count: number): Socket[] =>
    Array.from({ length: count }, () => {
      const socket = new Socket();
      admission.add(socket);
      return socket;
    });
  return { clock, begun, admission, add };
}

test('begins a few handshakes, and the oldest that waits when one is done', () => {
  const { begun, admission, add } = crowd({ atOnce: 2 });
  const sockets = add(5);
  expect(begun).toEqual(sockets.slice(0, 2));
  admission.done(sockets[1]!);
  expect(begun).toEqual(sockets.slice(0, 3));
  admission.done(sockets[1]!);
  expect([begun.length, admission.waiting]).toEqual([3, 2]);
});

test('lets a client that says nothing hold its place no longer than its time', async () => {
  const { clock, begun, add } = crowd({ atOnce: 2 });
  const sockets = add(4);
  await clock.advance(499);
  expect(begun).toHaveLength(2);
  await clock.advance(1);
  expect(begun).toEqual(sockets);
});

test('forgets a client that left, whether it waited or not', async () => {
  const { begun, admission, add } = crowd({ atOnce: 1 });
  const [first, second, third] = add(3) as [Socket, Socket, Socket];
  second.destroy();
  await vi.waitFor(() => expect(admission.waiting).toBe(1));
  first.destroy();
  await vi.waitFor(() => expect(begun).toEqual([first, third]));
});

test('closes those that come when too many wait, and at its end all that wait', () => {
  const { admission, add } = crowd({ atOnce: 1, waiting: 2 });
  const sockets = add(4);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false, false, true]);
  admission.close();
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, true, true, true]);
});
