import { describe, expect, test } from 'vitest';
import { create, definitionOf, type Manifest, update } from '../strategy.suite.ts';
import { mandatoryFlowSchemas, suggestedFlowSchemas } from './default-flow-schemas.ts';
import { mandatoryPriorityLevels, suggestedPriorityLevels } from './default-priority-levels.ts';

const group = 'flowcontrol.apiserver.k8s.io';
const schemas = definitionOf('flowschemas', group);
const levels = definitionOf('prioritylevelconfigurations', group);
const rule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] };
const subject = { kind: 'User', user: { name: 'jane' } };

function schemaWith(spec: Manifest, name = 'mine'): Manifest {
  const whole = { priorityLevelConfiguration: { name: 'system' }, rules: [{ subjects: [subject], resourceRules: [rule] }], ...spec };
  return { metadata: { name }, spec: whole };
}

function schemaWithRule(change: Manifest): Manifest {
  return schemaWith({ rules: [{ subjects: [subject], resourceRules: [rule], ...change }] });
}

describe('a FlowSchema', () => {
  test('has a precedence of 1000 and no status of its maker', () => {
    const { object, faults } = create(schemas, { ...schemaWith({}), status: { conditions: [{ type: 'Dangling' }] } });
    expect(faults).toEqual([]);
    expect(object).toMatchObject({ spec: { matchingPrecedence: 1000 }, status: {} });
  });

  test.each<[string, Manifest, string]>([
    [
      'no level',
      schemaWith({ priorityLevelConfiguration: {} }),
      'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
    ],
    [
      'a negative precedence',
      schemaWith({ matchingPrecedence: -1 }),
      'spec.matchingPrecedence: Invalid value: -1: must be a positive value',
    ],
    [
      'a huge precedence',
      schemaWith({ matchingPrecedence: 10_001 }),
      'spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000',
    ],
    [
      'the first place',
      schemaWith({ matchingPrecedence: 1 }),
      "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
    ],
    ['no subjects', schemaWithRule({ subjects: [] }), 'spec.rules[0].subjects: Required value: subjects must contain at least one value'],
    [
      'no rules in a rule',
      schemaWithRule({ resourceRules: [] }),
      'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
    ],
    [
      'an unknown subject',
      schemaWithRule({ subjects: [{ kind: 'Robot' }] }),
      'spec.rules[0].subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
    ],
    [
      'a user that is a group too',
      schemaWithRule({ subjects: [{ ...subject, group: { name: 'g' } }] }),
      "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
    ],
    [
      'an account without namespace',
      schemaWithRule({ subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: '*' } }] }),
      'spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account',
    ],
    [
      'an unknown verb',
      schemaWithRule({ resourceRules: [{ ...rule, verbs: ['fetch'] }] }),
      'spec.rules[0].resourceRules[0].verbs: Unsupported value: ["fetch"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
    ],
    [
      'all verbs and one',
      schemaWithRule({ resourceRules: [{ ...rule, verbs: ['*', 'get'] }] }),
      `spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`,
    ],
    [
      'a path without slash',
      schemaWithRule({ nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['metrics'] }] }),
      'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "metrics": must start with slash',
    ],
    [
      'a wildcard inside a path',
      schemaWithRule({ nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/a*'] }] }),
      'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching',
    ],
    [
      'no namespace',
      schemaWithRule({ resourceRules: [{ ...rule, namespaces: [] }] }),
      'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
    ],
  ])('with %s is refused', (_, manifest, fault) => {
    expect(create(schemas, manifest).faults).toEqual([fault]);
  });

  test('that is mandatory stays as it is', () => {
    const [exempt] = mandatoryFlowSchemas;
    const changed = { ...exempt, spec: { ...exempt!.spec, priorityLevelConfiguration: { name: 'system' } } };
    const { faults } = update(schemas, { old: exempt as never, manifest: changed });
    expect(faults.join()).toContain("spec of 'exempt' must equal the fixed value");
  });
});

describe('a PriorityLevelConfiguration', () => {
  const limited = (configuration: Manifest): Manifest => ({
    metadata: { name: 'mine' },
    spec: { type: 'Limited', limited: configuration },
  });
  const queue = (queuing: Manifest): Manifest => limited({ limitResponse: { type: 'Queue', queuing } });

  test('is filled in', () => {
    const { object, faults } = create(levels, queue({}));
    expect(faults).toEqual([]);
    expect(object).toMatchObject({
      spec: {
        limited: {
          nominalConcurrencyShares: 30,
          lendablePercent: 0,
          limitResponse: { queuing: { handSize: 8, queues: 64, queueLengthLimit: 50 } },
        },
      },
    });
  });

  test('may have no share at all', () => {
    const { object, faults } = create(levels, limited({ nominalConcurrencyShares: 0, limitResponse: { type: 'Reject' } }));
    expect(faults).toEqual([]);
    expect(object).toMatchObject({ spec: { limited: { nominalConcurrencyShares: 0 } } });
  });

  test.each<[string, Manifest, string]>([
    [
      'Exempt under another name',
      { metadata: { name: 'mine' }, spec: { type: 'Exempt' } },
      `spec.type: Invalid value: "Exempt": type must be 'Exempt' if and only if name is 'exempt'`,
    ],
    [
      'no limits',
      { metadata: { name: 'mine' }, spec: { type: 'Limited' } },
      'spec.limited: Required value: must not be empty when type is Limited',
    ],
    [
      'an unknown type',
      { metadata: { name: 'mine' }, spec: { type: 'Soft' } },
      'spec.type: Unsupported value: "Soft": supported values: "Exempt", "Limited"',
    ],
    [
      'no queues to queue in',
      limited({ limitResponse: { type: 'Queue' } }),
      'spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited',
    ],
    [
      'queues to reject in',
      limited({ limitResponse: { type: 'Reject', queuing: {} } }),
      'spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited',
    ],
    [
      'more than everything to lend',
      limited({ lendablePercent: 101, limitResponse: { type: 'Reject' } }),
      'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
    ],
    [
      'a negative limit of borrowing',
      limited({ borrowingLimitPercent: -1, limitResponse: { type: 'Reject' } }),
      'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
    ],
    [
      'a hand beyond its queues',
      queue({ queues: 7, handSize: 8 }),
      'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (7)',
    ],
    [
      'a hand beyond its hash',
      queue({ queues: 512, handSize: 8 }),
      'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60',
    ],
  ])('with %s is refused', (_, manifest, fault) => {
    expect(create(levels, manifest).faults).toEqual([fault]);
  });

  test('named exempt may lend, but nothing else of it changes', () => {
    const [exempt] = mandatoryPriorityLevels;
    const lending = { ...exempt, spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 7, lendablePercent: 10 } } };
    expect(update(levels, { old: exempt as never, manifest: lending }).faults).toEqual([]);
    const limitedToo = { ...exempt, spec: { ...exempt!.spec, limited: { limitResponse: { type: 'Reject' } } } };
    const { faults } = update(levels, { old: exempt as never, manifest: limitedToo });
    expect(faults.join()).toContain("spec of 'exempt' except the 'spec.exempt' field must equal the fixed value");
  });
});

test.each([
  ['FlowSchema', schemas, mandatoryFlowSchemas[0]!],
  ['PriorityLevelConfiguration', levels, mandatoryPriorityLevels[0]!],
] as const)('the status of a %s is written without its metadata', (_, definition, wanted) => {
  const { object: old } = create(definition, { ...wanted, metadata: { ...wanted.metadata, labels: { is: 'old' } } });
  const status = { conditions: [{ type: 'Dangling', status: 'False' }] };
  const manifest = { ...wanted, metadata: { ...wanted.metadata, labels: { is: 'new' } }, status };
  const { object, faults } = update(definition, { old, manifest, subresource: 'status' });
  expect(faults).toEqual([]);
  expect(object).toMatchObject({ metadata: { labels: { is: 'old' } }, status });
});

test('what every cluster begins with is valid and complete as it stands', () => {
  for (const [definition, objects] of [
    [schemas, [...mandatoryFlowSchemas, ...suggestedFlowSchemas]],
    [levels, [...mandatoryPriorityLevels, ...suggestedPriorityLevels]],
  ] as const) {
    for (const wanted of objects) {
      const { object, faults } = create(definition, wanted);
      expect(faults).toEqual([]);
      expect(object).toEqual(wanted);
    }
  }
});
