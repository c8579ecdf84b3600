import { describe, expect, test } from 'vitest';
import { silentLogger } from '../base/index.ts';
import { FlowCleaner } from './conntrack.ts';

const listed = [
  'udp 17 29 src=10.244.1.9 dst=10.96.0.10 sport=4001 dport=53 src=10.244.1.2 dst=10.244.1.9 sport=53 dport=4001 mark=0 use=1',
  'udp 17 29 src=10.244.1.9 dst=10.96.0.10 sport=4002 dport=53 src=10.244.1.3 dst=10.244.1.9 sport=53 dport=4002 mark=0 use=1',
  'udp 17 29 src=10.244.1.9 dst=10.96.0.10 sport=4003 dport=53 [UNREPLIED] src=10.96.0.10 dst=10.244.1.9 sport=53 dport=4003 mark=0 use=1',
  'udp 17 29 src=10.244.1.9 dst=10.96.0.10 sport=4004 dport=54 src=10.244.1.3 dst=10.244.1.9 sport=53 dport=4004 mark=0 use=1',
].join('\n');

/** A cleaner on a kernel that lists those; what it runs is written down, with what it deletes. */
function cleaner(): { flows: FlowCleaner; ran: string[]; clean: () => Promise<number> } {
  const ran: string[] = [];
  const flows = new FlowCleaner((command, options = {}) => {
    ran.push(command[0] === 'sh' ? String(options.input) : command.join(' '));
    return Promise.resolve({ stdout: command.includes('ipv4') ? listed : '', stderr: '' });
  });
  return { flows, ran, clean: () => flows.clean({ signal: new AbortController().signal, log: silentLogger }) };
}

const dns = '10.96.0.10 . udp . 53';
const list = 'conntrack -L -f ipv4 -p udp';
const both = new Set(['10.244.1.2', '10.244.1.3']);
const toNobody = '-D -f ipv4 -p udp -s 10.244.1.9 -d 10.96.0.10 --sport 4003 --dport 53 -r 10.96.0.10\n';
const toThird = '-D -f ipv4 -p udp -s 10.244.1.9 -d 10.96.0.10 --sport 4002 --dport 53 -r 10.244.1.3\n';

describe('connections of UDP', () => {
  test('are not even listed while there is nothing to clean', async () => {
    const { flows, ran, clean } = cleaner();
    flows.tell(dns, new Set());
    expect(await clean()).toBe(0);
    expect(ran).toEqual([]);
  });

  test('that went nowhere are forgotten with the first endpoint', async () => {
    const { flows, ran, clean } = cleaner();
    flows.tell(dns, new Set());
    flows.tell(dns, both);
    expect(await clean()).toBe(1);
    expect(ran).toEqual([list, toNobody]);
  });

  test('to endpoints that left are forgotten in one batch, those to others and to other ports stay', async () => {
    const { flows, ran, clean } = cleaner();
    flows.tell(dns, both);
    await clean();
    ran.length = 0;
    flows.tell(dns, new Set(['10.244.1.2']));
    flows.tell('10.96.0.11 . udp . 53', new Set(['10.244.1.2']));
    expect(await clean()).toBe(2);
    expect(ran).toEqual([list, toThird + toNobody]);
    expect(await clean()).toBe(0);
  });

  test('are left alone when endpoints come, and when the last one leaves', async () => {
    const { flows, ran, clean } = cleaner();
    flows.tell(dns, new Set(['10.244.1.2']));
    await clean();
    ran.length = 0;
    flows.tell(dns, both);
    flows.tell(dns, new Set());
    expect(await clean()).toBe(0);
    expect(ran).toEqual([]);
  });

  test('of a Service that is gone are nobody’s business', async () => {
    const { flows, ran, clean } = cleaner();
    flows.tell(dns, both);
    flows.forget(dns);
    expect(await clean()).toBe(0);
    expect(ran).toEqual([]);
  });
});
