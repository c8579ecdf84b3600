/**
 * What a running server has been given, in its own words, so that a new agent goes on from there instead of replacing the server. Pure.
 * @source HAProxy Management Guide, "show servers state" and "show map"
 */
import type { Slots } from './server-slots.ts';

/** `srv_admin_state`: in maintenance. (That the configuration said so is told by another bit, which stays when an order ends it.) */
const maintenance = 0x01;

/** The places of each backend, by the answer to `show servers state`. */
export function readSlots(answer: string): Map<string, Slots> {
  const [, header = '', ...lines] = answer.split('\n');
  const columns = header.replace(/^# /, '').split(' ');
  const backends = new Map<string, (string | undefined)[]>();
  for (const line of lines) {
    const values = line.split(' ');
    const value = (column: string): string => values[columns.indexOf(column)] ?? '';
    const index = Number(/^s(\d+)$/.exec(value('srv_name'))?.[1]) - 1;
    if (!Number.isInteger(index)) continue;
    const slots = backends.get(value('be_name')) ?? [];
    slots[index] = Number(value('srv_admin_state')) & maintenance ? undefined : `${value('srv_addr')} ${value('srv_port')}`;
    backends.set(value('be_name'), slots);
  }
  return backends;
}

/** Keys and values, by the answer to `show map`: each line begins with a reference of the server's own. */
export function readMap(answer: string): Map<string, string> {
  return new Map(
    answer.split('\n').flatMap((line): [string, string][] => {
      const [, key, value] = line.split(' ');
      return key !== undefined && value !== undefined ? [[key, value]] : [];
    }),
  );
}
