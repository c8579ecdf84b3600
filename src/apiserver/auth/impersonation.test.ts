import { describe, expect, test } from 'vitest';
import type { Access, Authorizer } from '../authorization/index.ts';
import type { UserInfo } from '../request.ts';
import type { HeaderSource } from './header-values.ts';
import { impersonated, impersonates } from './impersonation.ts';

const jane: UserInfo = { name: 'jane', groups: [] };

function request(...lines: readonly string[]): HeaderSource {
  const raw = lines.flatMap((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]);
  const values = (name: string): string[] => raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === name);
  return { header: (name) => (values(name).length > 0 ? values(name).join(', ') : undefined), headerLines: () => raw };
}

/** Allows everything and remembers what was asked. */
function recording(refused?: string): { readonly authorize: Authorizer; readonly asked: string[] } {
  const asked: string[] = [];
  const authorize: Authorizer = (_, { verb, apiGroup, resource, subresource, namespace, name }: Access) => {
    const what = [apiGroup, resource, subresource, namespace, name].join('|');
    asked.push(`${verb} ${what}`);
    return { decision: name === refused ? 'no-opinion' : 'allow', reason: '' };
  };
  return { authorize, asked };
}

const as = (...lines: string[]): unknown => impersonated(jane, request(...lines), recording().authorize);

describe('impersonation', () => {
  test.each<[string, string[], UserInfo]>([
    ['a user', ['Impersonate-User: bob'], { name: 'bob', groups: ['system:authenticated'] }],
    [
      'a user with groups, one of which has a comma',
      ['Impersonate-User: bob', 'Impersonate-Group: a, b', 'Impersonate-Group: c'],
      { name: 'bob', groups: ['a, b', 'c', 'system:authenticated'] },
    ],
    [
      'a user that is said to be authenticated',
      ['Impersonate-User: bob', 'Impersonate-Group: system:authenticated'],
      { name: 'bob', groups: ['system:authenticated'] },
    ],
    [
      'a user that is said not to be authenticated',
      ['Impersonate-User: bob', 'Impersonate-Group: system:unauthenticated'],
      { name: 'bob', groups: ['system:unauthenticated'] },
    ],
    ['nobody', ['Impersonate-User: system:anonymous'], { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
    [
      'a ServiceAccount',
      ['Impersonate-User: system:serviceaccount:ns:sa'],
      {
        name: 'system:serviceaccount:ns:sa',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
      },
    ],
    [
      "a ServiceAccount with groups of one's choice",
      ['Impersonate-User: system:serviceaccount:ns:sa', 'Impersonate-Group: g'],
      { name: 'system:serviceaccount:ns:sa', groups: ['g', 'system:authenticated'] },
    ],
    [
      'uid and extra values',
      [
        'Impersonate-User: bob',
        'Impersonate-Uid: 7',
        'Impersonate-Extra-Scopes: view',
        'Impersonate-Extra-Acme.com%2Fteam: x',
        'impersonate-extra-scopes: edit',
      ],
      { name: 'bob', uid: '7', groups: ['system:authenticated'], extra: { scopes: ['view', 'edit'], 'acme.com/team': ['x'] } },
    ],
    ['an empty name is nobody else', ['Impersonate-User: '], jane],
  ])('of %s', (_, lines, user) => expect(as(...lines)).toEqual(user));

  test('asks for each piece on its own', () => {
    const { authorize, asked } = recording();
    const lines = ['Impersonate-User: bob', 'Impersonate-Group: a', 'Impersonate-Uid: 7', 'Impersonate-Extra-Scopes: view'];
    void impersonated(jane, request(...lines), authorize);
    expect(asked).toEqual([
      'impersonate |users|||bob',
      'impersonate |groups|||a',
      'impersonate authentication.k8s.io|userextras|scopes||view',
      'impersonate authentication.k8s.io|uids|||7',
    ]);
    asked.length = 0;
    void impersonated(jane, request('Impersonate-User: system:serviceaccount:ns:sa'), authorize);
    expect(asked).toEqual(['impersonate |serviceaccounts||ns|sa']);
  });

  test.each([
    ['bob', 'users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope'],
    ['a', 'groups "a" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope'],
    [
      '7',
      'uids.authentication.k8s.io "7" is forbidden: User "jane" cannot impersonate resource "uids" in API group "authentication.k8s.io"',
    ],
    ['view', 'userextras.authentication.k8s.io "view" is forbidden: User "jane" cannot impersonate resource "userextras/scopes"'],
  ])('of what is not allowed is refused: %s', (name, message) => {
    const lines = ['Impersonate-User: bob', 'Impersonate-Group: a', 'Impersonate-Uid: 7', 'Impersonate-Extra-Scopes: view'];
    expect(() => impersonated(jane, request(...lines), recording(name).authorize)).toThrow(message);
  });

  test.each([
    ['Impersonate-Group: a', 'requested [{Group  a    }] without impersonating a user'],
    ['Impersonate-Uid: 7', 'requested [{UID  7  authentication.k8s.io/v1  }] without impersonating a user'],
    ['Impersonate-Extra-X: y', 'requested [{UserExtra  y  authentication.k8s.io/v1  x}] without impersonating a user'],
  ])('of nobody in particular is refused: %s', (line, message) => {
    expect(impersonates(request(line))).toBe(true);
    expect(() => as(line)).toThrow(message);
  });

  test('is seen in the headers', () => {
    expect(impersonates(request('Accept: x', 'Impersonate-Nothing: y', 'Impersonate-Extra-: z'))).toBe(false);
    expect(impersonates(request('impersonate-user: x'))).toBe(true);
  });

  test('waits for a webhook that is asked', async () => {
    const slow: Authorizer = () => Promise.resolve({ decision: 'allow', reason: '' });
    expect(await impersonated(jane, request('Impersonate-User: bob'), slow)).toMatchObject({ name: 'bob' });
    const refusing: Authorizer = () => Promise.resolve({ decision: 'deny', reason: 'no' });
    await expect(impersonated(jane, request('Impersonate-User: bob'), refusing)).rejects.toThrow('no');
  });
});
