import { expect, test } from 'vitest';
import { clusterNameFault, firstBlockOf, homeFault, knarrHome, machineNames } from './home.ts';

test.each(['knarr', 'a', 'dev-1', '9'.repeat(32)])('%s is a cluster name', (name) => {
  expect(clusterNameFault(name)).toBeUndefined();
});

test.each(['', '..', '../x', 'Dev', 'a_b', '-a', 'a-', 'a b', 'x'.repeat(33)])('"%s" is no cluster name', (name) => {
  expect(clusterNameFault(name)).toContain("a cluster's name is at most 32");
});

test.each([
  ['/var/lib/knarr', undefined],
  ['/srv/my clusters', 'of letters, digits'],
  ["/srv/it's", 'of letters, digits'],
  [`/srv/${'x'.repeat(90)}`, 'characters too long for sockets'],
])('a home at %s', (home, fault) => {
  if (fault === undefined) expect(homeFault(home, 'knarr')).toBeUndefined();
  else expect(homeFault(home, 'knarr')).toContain(fault);
});

test('a relative home is meant from where it was said', () => {
  expect(knarrHome({ KNARR_HOME: 'here' })).toBe(`${process.cwd()}/here`);
});

test('a cluster that is called like another one with a number shares no name with it', () => {
  const [dev, other] = [machineNames('dev'), machineNames('dev-1')];
  const links = (names: typeof dev): string[] => [names.bridge, names.veth(1), names.veth(11)];
  expect(links(dev).filter((name) => links(other).includes(name))).toEqual([]);
  expect(dev.netns(1)).not.toBe(other.netns(1));
  expect(dev.nftTable).not.toBe(other.nftTable);
  expect(machineNames('a-name-that-is-long').veth(250).length).toBeLessThanOrEqual(15);
});

test('clusters of another home begin elsewhere with their addresses', () => {
  expect(firstBlockOf(knarrHome({}))).toBe(0);
  expect(firstBlockOf('/tmp/a')).not.toBe(firstBlockOf('/tmp/b'));
});
