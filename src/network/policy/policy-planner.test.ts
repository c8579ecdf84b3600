import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePolicy } from './compiled-policy.ts';
import { isAllowed, type Packet } from './policy-oracle.ts';
import type { PolicyPlanner } from './policy-planner.ts';
import { policyPodOf } from './policy-pod.ts';
import { namespaces, packetsBetween, plainPods, plannerOf, podOf, policyOf, somePolicies } from './random-policies.ts';

/** Walks the table's maps, chains and sets as the kernel does, for a first packet. */
function judge({ ledger }: PolicyPlanner, { from, to, protocol, port }: Packet): boolean {
  const family = from.includes(':') ? 'v6' : 'v4';
  if (from === to && ledger.get(`self-${family}`, `${from} . ${from}`) !== undefined) return true;
  return [ledger.get(`egress-${family}`, from), ledger.get(`ingress-${family}`, to)].every((verdict) => {
    if (verdict === undefined) return true;
    return ledger.chain(verdict.replace('jump ', ''))!.some((rule) => rule.includes('return') && applies(rule));
  });

  function applies(rule: string): boolean {
    const saddr = /ct (original|reply) ip6? saddr @(\S+) /.exec(rule);
    if (saddr && !inSet(saddr[2]!, saddr[1] === 'original' ? from : to)) return false;
    const proto = /meta l4proto (\w+)/.exec(rule);
    if (proto && proto[1] !== protocol.toLowerCase()) return false;
    const ports = /proto-src (\{[^}]*\}|\S+)/.exec(rule);
    if (ports && !(ports[1]!.match(/\d+(-\d+)?/g) ?? []).some((each) => between(each.split('-').map(Number), port))) return false;
    const named = /th dport @(\S+)/.exec(rule);
    if (rule.includes('ct direction reply')) return false;
    return !named || ledger.get(named[1]!, `${to} . ${port}`) !== undefined;
  }
  function between([first, last = first]: readonly number[], value: number): boolean {
    return first! <= value && value <= last!;
  }
  function inSet(set: string, ip: string): boolean {
    return ledger.elements(set).some((each) => between(each.split('-').map(addressNumber), addressNumber(ip)));
  }
}

/** Near enough for the addresses here: of IPv6, the first group and the last. */
function addressNumber(text: string): number {
  if (!text.includes(':')) return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const groups = text.split(':');
  const middle = text.includes('::') ? 0 : 2 ** 17;
  return parseInt(groups[0] || '0', 16) * 2 ** 20 + middle + parseInt(groups.at(-1) || '0', 16);
}

test('what the table says of any packet is what the API says, also after changes one by one', () => {
  const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
  const addresses = [...plainPods.flatMap(({ ips }) => ips), '192.0.2.1'];
  const packets = packetsBetween(addresses, ['TCP', 'UDP', 'SCTP']);
  fc.assert(
    fc.property(somePolicies, somePolicies, order, (first, second, shuffle) => {
      const pods = plainPods.map(podOf);
      const planner = plannerOf({ namespaces, pods, policies: first });
      for (const each of first) planner.deletePolicy(`${each.metadata.namespace}/${each.metadata.name}`);
      for (const at of shuffle) planner.deletePod(pods[at]!.metadata.uid);
      for (const each of second) planner.setPolicy(compilePolicy(each));
      for (const at of shuffle) planner.setPod(policyPodOf(pods[at]!));
      const world = { namespaces, pods, policies: second };
      const wrong = packets.filter((packet) => judge(planner, packet) !== isAllowed(world, packet));
      expect(wrong).toEqual([]);
    }),
    { numRuns: 50, seed: 7 },
  );
});

const [p, q] = plainPods.map((each) => policyPodOf(podOf(each)));
const [address = ''] = p!.ips;
const closed = 'jump closed';
const onlyFromP = policyOf('only', 'x', {
  podSelector: { matchLabels: { pod: 'q' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'p' } } }] }],
});
const denied = policyOf('denied', 'x', { podSelector: { matchLabels: { pod: 'p' } }, policyTypes: ['Ingress', 'Egress'] });
const onP = { namespaces, pods: plainPods.slice(0, 2).map(podOf), policies: [denied] };

test('the address of a pod that is deleted by force stays closed, since it may still run', () => {
  const planner = plannerOf(onP);
  planner.deletePod(p!.uid);
  expect([planner.ledger.get('egress-v4', address), planner.ledger.get('ingress-v4', address)]).toEqual([closed, closed]);
});

test('the next pod that gets the address is judged by its own labels', () => {
  const planner = plannerOf(onP);
  planner.deletePod(p!.uid);
  const next = { ...p!, uid: 'next', name: 'next', labels: {} };
  planner.setPod(next, { takes: true });
  expect(planner.ledger.get('egress-v4', address)).toBeUndefined();
  planner.setPod({ ...next, uid: 'third', labels: p!.labels }, { takes: true });
  expect(planner.ledger.get('egress-v4', address)).toMatch(/^jump egress-v4-/);
});

test('what a pod was allowed does not pass to the pod that has its address next, even before the first is known to be gone', () => {
  const planner = plannerOf({ ...onP, policies: [onlyFromP] });
  const mayAsk = (): boolean => judge(planner, { from: address, to: q!.ips[0]!, protocol: 'TCP', port: 80 });
  expect(mayAsk()).toBe(true);
  planner.setPod({ ...p!, uid: 'next', name: 'next', labels: {} }, { takes: true });
  expect(mayAsk()).toBe(false);
  planner.setPod(p!);
  expect(mayAsk()).toBe(false);
  planner.deletePod(p!.uid);
  expect(mayAsk()).toBe(false);
  planner.setPod({ ...q!, uid: 'gone', ips: [] });
  planner.deletePod('next');
  planner.setPod({ ...p!, uid: 'again' });
  expect(mayAsk()).toBe(true);
});

test('a peer or a port that cannot be read allows nothing, and what can be read stays', () => {
  const from = [{ ipBlock: { cidr: 'nonsense' } }, { podSelector: { matchLabels: { pod: 'p' } } }];
  const ingress = [{ from, ports: [{ protocol: 'ICMP' }, { port: 80 }] }, { from: from.slice(0, 1) }, { ports: [{ protocol: 'ICMP' }] }];
  const half = policyOf('half', 'x', { podSelector: { matchLabels: { pod: 'q' } }, ingress });
  expect(compilePolicy(half).faults).toEqual([
    'ipBlock "nonsense" is not a range of addresses',
    'protocol "ICMP" is not known',
    'ipBlock "nonsense" is not a range of addresses',
    'protocol "ICMP" is not known',
  ]);
  const planner = plannerOf({ ...onP, policies: [half] });
  const may = (from: string, port: number): boolean => judge(planner, { from, to: q!.ips[0]!, protocol: 'TCP', port });
  expect([may(address, 80), may(address, 81), may('192.0.2.1', 80)]).toEqual([true, false, false]);
});
