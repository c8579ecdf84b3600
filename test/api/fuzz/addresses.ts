/** What stands behind the path, and paths that are no resource's. */
import type { Dice } from './dice.ts';

const selectors: readonly ((dice: Dice) => string)[] = [
  () => 'a=b',
  () => 'a in (b,c),!d',
  () => 'a=b,a notin (x)',
  () => 'metadata.name=fuzz-a',
  () => 'status.phase=Running,spec.nodeName!=x',
  () => '((((',
  () => '=,=',
  () => '__proto__=x',
  () => 'a>1,b<x',
  () => '\0',
  () => 'ä=ö',
  (dice) => `a in (${'x,'.repeat(1 << dice.below(12))}y)`,
  (dice) => '!a,'.repeat(1 << dice.below(12)),
  (dice) => `${'x'.repeat(1 << dice.below(14))}=y`,
  (dice) => '\\,'.repeat(1 << dice.below(10)),
];
const plain = [
  '',
  '0',
  '1',
  '-1',
  '5',
  'true',
  'false',
  'All',
  'Strict',
  'Warn',
  'Ignore',
  'Exact',
  'NotOlderThan',
  'Foreground',
  'Orphan',
  'fuzz',
  'x',
  '9223372036854775808',
  '1e3',
  '0x1',
  'NaN',
  '\0',
  '\ud800',
  '%',
  '__proto__',
  'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJ4In0',
  'x'.repeat(2_000),
];
const names =
  'limit continue resourceVersion resourceVersionMatch labelSelector fieldSelector dryRun fieldManager fieldValidation force pretty gracePeriodSeconds propagationPolicy orphanDependents includeObject sendInitialEvents allowWatchBookmarks timeoutSeconds timeout ignoreStoreReadErrorWithClusterBreakingPotential __proto__ x'.split(
    ' ',
  );

const good = ['fieldManager=fuzz', 'fieldValidation=Strict', 'fieldValidation=Warn', 'fieldValidation=Ignore', 'pretty=true', 'dryRun=All'];

/** Parameters of a write: most of them good, or nothing behind them would be reached. */
export function writeQueryOf(dice: Dice): string {
  return dice.chance(0.8) ? dice.pick(good) : queryOf(dice);
}

/** Parameters, odd and good. */
export function queryOf(dice: Dice): string {
  return Array.from({ length: 1 + dice.below(3) }, () => {
    const name = dice.pick(names);
    // Versions that are still to come are worth waiting for, so that is no case.
    const value = name.endsWith('Selector')
      ? dice.pick(selectors)(dice)
      : name === 'resourceVersion'
        ? dice.pick(['', '0', '1', 'x', '-1', '1.5'])
        : dice.pick(plain);
    return dice.chance(0.02) ? `${name}=%zz` : `${name}=${encodeURIComponent(value.toWellFormed())}`;
  }).join('&');
}

export const pathsOutside: readonly string[] = [
  '/',
  '//',
  '/api',
  '/apis',
  '/api/v1',
  '/api/v2',
  '/apis/apps',
  '/apis/apps/v1',
  '/apis/nope/v1/x',
  '/apis/apps/v1/namespaces/default/__proto__/constructor',
  '/api/v1/namespaces/default/pods/fuzz-a/__proto__',
  '/api/v1/constructor',
  '/api/v1/watch',
  '/api/v1/proxy/namespaces/default/pods/x',
  '/version',
  '/version/',
  '/livez?verbose&exclude=x',
  '/readyz/ping',
  '/readyz/__proto__',
  '/healthz/%00',
  '/openapi/v3',
  '/openapi/v3/api/v1?hash=x',
  '/openapi/v3/__proto__',
  '/.well-known/openid-configuration',
  '/openid/v1/jwks',
  '/metrics?x=%00',
  '/debug/api_priority_and_fairness/dump_queues',
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/api/v1/namespaces/default/pods?%zz=%zz',
  `/${'a/'.repeat(3_000)}`,
  `/api/v1/namespaces/${'x'.repeat(20_000)}/pods`,
  '/\u00ff\u0080',
  '/?',
  '/#',
  '*',
];
