import { describe, expect, test } from 'vitest';
import { create, definitionOf, type Manifest, row, update, withField } from '../strategy.suite.ts';

const group = 'rbac.authorization.k8s.io';
const role = definitionOf('roles', group);
const clusterRole = definitionOf('clusterroles', group);
const roleBinding = definitionOf('rolebindings', group);
const clusterRoleBinding = definitionOf('clusterrolebindings', group);

const rule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };

const binding: Manifest = {
  metadata: { name: 'b', namespace: 'default' },
  roleRef: { apiGroup: group, kind: 'Role', name: 'r' },
  subjects: [{ kind: 'User', apiGroup: group, name: 'jane' }],
};

describe('rules', () => {
  test.each<[string, Manifest, string[]]>([
    ['a resource rule', rule, []],
    ['no verbs', { ...rule, verbs: [] }, ['rules[0].verbs: Required value: verbs must contain at least one value']],
    ['no groups', { ...rule, apiGroups: [] }, ['rules[0].apiGroups: Required value: resource rules must supply at least one api group']],
    ['no resources', { ...rule, resources: [] }, ['rules[0].resources: Required value: resource rules must supply at least one resource']],
  ])('%s', (_name, one, faults) => {
    expect(create(role, { metadata: { name: 'r' }, rules: [one] }).faults).toEqual(faults);
    expect(create(clusterRole, { metadata: { name: 'r' }, rules: [one] }).faults).toEqual(faults);
  });

  test('paths are the cluster roles’ alone, and stand by themselves', () => {
    const paths = { nonResourceURLs: ['/metrics'], verbs: ['get'] };
    expect(create(clusterRole, { rules: [paths] }).faults).toEqual([]);
    expect(create(role, { rules: [paths] }).faults).toEqual([
      'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to non-resource URLs',
    ]);
    expect(create(clusterRole, { rules: [{ ...paths, resources: ['pods'] }] }).faults).toEqual([
      'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: rules cannot apply to both regular resources and non-resource URLs',
    ]);
  });

  test('an aggregation has selectors that can be read', () => {
    expect(create(clusterRole, { aggregationRule: {} }).faults).toEqual([
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ]);
    const selector = { matchExpressions: [{ key: 'a', operator: 'Near' }] };
    expect(create(clusterRole, { aggregationRule: { clusterRoleSelectors: [selector] } }).faults).toEqual([
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
      'aggregationRule.clusterRoleSelectors[0]: Invalid value: "null": invalid label selector.',
    ]);
  });
});

describe('bindings', () => {
  test('groups are filled in where a kind has one', () => {
    const { object, faults } = create(roleBinding, {
      ...binding,
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'Group', name: 'g' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    });
    expect(faults).toEqual([]);
    expect(object).toMatchObject({
      roleRef: { apiGroup: group },
      subjects: [{ apiGroup: group }, { apiGroup: group }, { kind: 'ServiceAccount', name: 's', namespace: 'n' }],
    });
    expect((object.subjects as Manifest[])[2]).not.toHaveProperty('apiGroup');
  });

  test.each<[string, unknown, string[]]>([
    ['roleRef.apiGroup', 'other', [`roleRef.apiGroup: Unsupported value: "other": supported values: "${group}"`]],
    ['roleRef.kind', 'Pod', ['roleRef.kind: Unsupported value: "Pod": supported values: "Role", "ClusterRole"']],
    ['roleRef.name', '', ['roleRef.name: Required value']],
    ['roleRef.name', 'a/b', ['roleRef.name: Invalid value: "a/b": may not contain \'/\'']],
    ['subjects.0.name', '', ['subjects[0].name: Required value', 'subjects[0].name: Invalid value: "": user name cannot be empty']],
    ['subjects.0', { kind: 'ServiceAccount', name: 's' }, []],
    ['subjects.0.apiGroup', 'x', [`subjects[0].apiGroup: Unsupported value: "x": supported values: "${group}"`]],
    ['subjects.0.kind', 'Robot', ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"']],
    [
      'subjects.0',
      { kind: 'ServiceAccount', name: 'A', apiGroup: 'x' },
      [
        "subjects[0].name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        'subjects[0].apiGroup: Unsupported value: "x": supported values: ""',
      ],
    ],
  ])('%s = %j', (path, value, faults) => {
    expect(create(roleBinding, withField(binding, path, value)).faults).toEqual(faults);
  });

  test('a binding of the cluster points to a cluster role', () => {
    expect(create(clusterRoleBinding, binding).faults).toEqual([
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ]);
  });

  test('a binding of the cluster has no namespace to look for an account in', () => {
    const manifest = { ...withField(binding, 'roleRef.kind', 'ClusterRole'), subjects: [{ kind: 'ServiceAccount', name: 's' }] };
    expect(create(clusterRoleBinding, manifest).faults).toEqual(['subjects[0].namespace: Required value']);
  });

  test('the role never changes, the subjects may', () => {
    const old = create(roleBinding, binding).object;
    expect(update(roleBinding, { old, manifest: withField(binding, 'subjects', undefined) }).faults).toEqual([]);
    expect(update(roleBinding, { old, manifest: withField(binding, 'roleRef.name', 'other') }).faults).toEqual([
      `roleRef: Invalid value: {"APIGroup":"${group}","Kind":"Role","Name":"other"}: cannot change roleRef`,
    ]);
  });

  test('columns', () => {
    const wide = {
      ...binding,
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'User', name: 'v' },
        { kind: 'Group', name: 'g' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
        { kind: 'ServiceAccount', name: 'own' },
      ],
    };
    expect(row(roleBinding, wide)).toMatchObject({ Role: 'Role/r', Users: 'u, v', Groups: 'g', ServiceAccounts: 'n/s, /own' });
  });
});

test('names may hold whatever can stand in a path', () => {
  for (const definition of [role, clusterRole, roleBinding, clusterRoleBinding]) {
    expect(definition.strategy.validateName('system:controller:A b', false)).toEqual([]);
    expect(definition.strategy.validateName('a/b', false)).toEqual(["may not contain '/'"]);
    expect(definition.strategy.allowCreateOnUpdate).toBe(true);
  }
});
