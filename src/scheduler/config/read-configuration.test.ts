import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../api/index.ts';
import type { Plugin } from '../framework/index.ts';
import { inTreePlugins } from '../plugins/index.ts';
import { expandPoints, neededPlugins } from './expand-points.ts';
import { readConfiguration } from './read-configuration.ts';

const document = (fields: JsonObject): JsonObject => ({
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  ...fields,
});
const faultsOf = (fields: JsonObject): readonly string[] => readConfiguration(document(fields)).faults;

test('an empty configuration is upstream’s default', () => {
  const { configuration, faults } = readConfiguration(document({}));
  expect(faults).toEqual([]);
  expect(configuration).toMatchObject({ podInitialBackoffMs: 1000, podMaxBackoffMs: 10_000, extenders: [] });
  expect(configuration.profiles.map(({ schedulerName }) => schedulerName)).toEqual(['default-scheduler']);
  const names = configuration.profiles[0]!.plugins.multiPoint.enabled.map(({ name, weight }) => (weight ? `${name} ${weight}` : name));
  expect(names).toEqual([
    'SchedulingGates',
    'PrioritySort',
    'NodeUnschedulable',
    'NodeName',
    'TaintToleration 3',
    'NodeAffinity 2',
    'NodePorts',
    'NodeResourcesFit 1',
    'VolumeRestrictions',
    'NodeVolumeLimits',
    'VolumeBinding',
    'VolumeZone',
    'PodTopologySpread 2',
    'InterPodAffinity 2',
    'DefaultPreemption',
    'NodeResourcesBalancedAllocation 1',
    'ImageLocality 1',
    'DefaultBinder',
  ]);
});

describe('faults', () => {
  test.each<[string, JsonObject, readonly string[]]>([
    [
      'another kind',
      { kind: 'Pod' },
      [
        'no kind "Pod" is registered for version "kubescheduler.config.k8s.io/v1": it must be KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1',
      ],
    ],
    ['an unknown field', { profile: [] }, ['strict decoding error: unknown field "profile"']],
    ['a field of a wrong type', { parallelism: 'many' }, ['parallelism: Invalid value: "many": must be an integer']],
    ['no parallelism', { parallelism: 0 }, ['parallelism: Invalid value: 0: should be an integer value greater than zero']],
    [
      'a percentage above 100',
      { percentageOfNodesToScore: 101 },
      ['percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]'],
    ],
    ['a back-off of nothing', { podInitialBackoffSeconds: 0 }, ['podInitialBackoffSeconds: Invalid value: 0: must be greater than 0']],
    [
      'a longest back-off below the first',
      { podInitialBackoffSeconds: 5, podMaxBackoffSeconds: 1 },
      ['podMaxBackoffSeconds: Invalid value: 1: must be greater than or equal to PodInitialBackoffSeconds'],
    ],
    [
      'two profiles of one name',
      { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] },
      ['profiles[1].schedulerName: Duplicate value: "a"'],
    ],
    ['a profile among several without a name', { profiles: [{ schedulerName: 'a' }, {}] }, ['profiles[1].schedulerName: Required value']],
    [
      'a plugin that is not there',
      { profiles: [{ plugins: { score: { enabled: [{ name: 'Nope' }] } } }] },
      ['profiles[0].plugins: Not found: "Nope"'],
    ],
    [
      'arguments for no plugin',
      { profiles: [{ pluginConfig: [{ name: 'Nope', args: { a: 1 } }] }] },
      ['profiles[0].pluginConfig[0].args: Invalid value: "Nope": there is no such plugin'],
    ],
    [
      'an extender that scores without weight',
      { extenders: [{ urlPrefix: 'http://e', prioritizeVerb: 'p' }] },
      ['extenders[0].weight: Invalid value: 0: must have a positive weight applied to it'],
    ],
    [
      'a lock that is no Lease',
      { leaderElection: { resourceLock: 'endpoints' } },
      ['leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"'],
    ],
  ])('%s', (_name, fields, faults) => {
    expect(faultsOf(fields)).toEqual(faults);
  });
});

describe('which plugins take part where', () => {
  /** The filter, score and bind plugins of a profile, by what its `plugins` say. */
  function points(plugins: JsonObject): Record<string, readonly string[]> {
    const { configuration, faults } = readConfiguration(document({ profiles: [{ plugins }] }));
    if (faults.length > 0) throw new Error(faults.join());
    const [profile] = configuration.profiles;
    const kinds: Readonly<Record<string, readonly string[]>> = {
      PrioritySort: ['less'],
      NodeName: ['filter'],
      NodePorts: ['filter'],
      TaintToleration: ['filter', 'score'],
      DefaultBinder: ['bind'],
      ImageLocality: ['score'],
    };
    const made = new Map(
      [...neededPlugins(profile!)].map((name): [string, Plugin] => [
        name,
        { name, ...Object.fromEntries((kinds[name] ?? []).map((point) => [point, () => undefined])) },
      ]),
    );
    const { filter, score, bind } = expandPoints(profile!, made);
    return {
      filter: filter.map(({ name }) => name),
      score: score.map(({ plugin, weight }) => `${plugin.name} ${weight}`),
      bind: bind.map(({ name }) => name),
    };
  }

  test('the default: everything wherever it can', () => {
    expect(points({})).toEqual({
      filter: ['NodeName', 'TaintToleration', 'NodePorts'],
      score: ['TaintToleration 3', 'ImageLocality 1'],
      bind: ['DefaultBinder'],
    });
  });

  test('what is off at a point takes part elsewhere', () => {
    expect(points({ score: { disabled: [{ name: 'TaintToleration' }] } })).toMatchObject({
      filter: ['NodeName', 'TaintToleration', 'NodePorts'],
      score: ['ImageLocality 1'],
    });
  });

  test('a point may name its own order and weights', () => {
    expect(points({ score: { disabled: [{ name: '*' }], enabled: [{ name: 'ImageLocality', weight: 5 }] } }).score).toEqual([
      'ImageLocality 5',
    ]);
    expect(points({ filter: { enabled: [{ name: 'NodePorts' }] } }).filter).toEqual(['NodePorts', 'NodeName', 'TaintToleration']);
  });

  test('all defaults off leaves what is named', () => {
    const only = { disabled: [{ name: '*' }], enabled: [{ name: 'PrioritySort' }, { name: 'DefaultBinder' }, { name: 'NodeName' }] };
    expect(points({ multiPoint: only })).toEqual({ filter: ['NodeName'], score: [], bind: ['DefaultBinder'] });
  });

  test.each<[string, JsonObject, string]>([
    [
      'no queue sort',
      { queueSort: { disabled: [{ name: '*' }] } },
      'only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0',
    ],
    [
      'no binder',
      { bind: { disabled: [{ name: '*' }] } },
      'at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
    ],
    [
      'a plugin where it cannot',
      { filter: { enabled: [{ name: 'ImageLocality' }] } },
      'plugin "ImageLocality" does not extend filter plugin',
    ],
  ])('%s is refused', (_name, plugins, message) => {
    expect(() => points(plugins)).toThrow(message);
  });
});

test('every default plugin is there', () => {
  const { configuration } = readConfiguration(document({}));
  const known = new Set(inTreePlugins.map(({ name }) => name));
  expect([...neededPlugins(configuration.profiles[0]!)].filter((name) => !known.has(name))).toEqual([]);
});
