import { describe, expect, it } from 'vitest';
import { corev1Resources } from '../../api/index.ts';
import { type DecisionInput, decide, formatDecision, type OwnerState } from './decision.ts';
import { type Item, type Look, OwnerGraph } from './graph.ts';

const say = (looks: readonly Look[]): string => looks.map(({ type, uid }) => `${type} ${uid}`).join(', ');

function item(uid: string, options: { owners?: string[]; deleting?: boolean; finalizers?: string[]; namespace?: string } = {}): Item {
  const { owners = [], deleting = false, finalizers = [], namespace = 'ns' } = options;
  const refs = owners.map((owner) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: owner,
    uid: owner.replace('~', ''),
    blockOwnerDeletion: !owner.startsWith('~'),
  }));
  return { resource: corev1Resources.configmaps, namespace, name: uid, uid, owners: refs, deleting, finalizers };
}

function graphOf(...items: Item[]): { graph: OwnerGraph; invalid: string[] } {
  const invalid: string[] = [];
  const graph = new OwnerGraph((found, owner) => invalid.push(`${found.uid} → ${owner.uid}`));
  for (const each of items) graph.put(each);
  return { graph, invalid };
}

describe('the graph', () => {
  it('wants a look at what has an owner that it has not seen', () => {
    const { graph } = graphOf();
    expect(say(graph.put(item('b', { owners: ['a'] })))).toBe('delete b');
    expect(say(graph.put(item('b', { owners: ['a'] })))).toBe('');
    expect(graph.withUnseenOwners().map(({ uid }) => uid)).toEqual(['b']);
    graph.put(item('a'));
    expect(graph.withUnseenOwners()).toEqual([]);
    expect(graph.dependentsOf('a').map(({ uid }) => uid)).toEqual(['b']);
  });

  it('wants a look at the dependents of what is gone', () => {
    const { graph } = graphOf(item('a'), item('b', { owners: ['a'] }), item('c', { owners: ['a'] }));
    expect(say(graph.remove('a'))).toBe('delete b, delete c');
    expect(say(graph.remove('a'))).toBe('');
  });

  it('wants a look at everything when a foreground deletion begins, and at the owner whenever a blocker goes', () => {
    const { graph } = graphOf(item('a'), item('b', { owners: ['a'] }), item('c', { owners: ['~a'] }));
    const deleting = item('a', { deleting: true, finalizers: ['foregroundDeletion'] });
    expect(say(graph.put(deleting))).toBe('delete b, delete c, delete a');
    expect(say(graph.put(deleting))).toBe('');
    expect(graph.blockingDependentsOf('a').map(({ uid }) => uid)).toEqual(['b']);
    expect(say(graph.put(item('b', { owners: ['~a'] })))).toBe('delete a');
    expect(say(graph.remove('c'))).toBe('delete a');
  });

  it('wants orphaning when that deletion begins', () => {
    const { graph } = graphOf(item('a'));
    expect(say(graph.put(item('a', { deleting: true, finalizers: ['orphan'] })))).toBe('orphan a');
  });

  it('reports an owner of another namespace, not one of the cluster', () => {
    const { graph, invalid } = graphOf(item('a', { namespace: 'other' }), item('n', { namespace: '' }));
    expect(say(graph.put(item('b', { owners: ['a'] })))).toBe('delete b');
    expect(say(graph.put(item('c', { owners: ['n'] })))).toBe('');
    expect(invalid).toEqual(['b → a']);
  });
});

function check(name: string, states: OwnerState[], changes: Partial<DecisionInput>, expected: string): void {
  it(name, () => {
    const owners = states.map((state, i) => ({ owner: { apiVersion: 'v1', kind: 'Pod', name: 'x', uid: `${state}${i}` }, state }));
    expect(formatDecision(decide({ owners, finalizers: [], hasDependents: false, dependentWaits: false, ...changes }))).toBe(expected);
  });
}

describe('the decision', () => {
  check('keeps what has no owner', [], {}, 'keep');
  check('keeps what has one', ['solid'], {}, 'keep');
  check('drops owners that are gone when one is left', ['solid', 'dangling', 'waiting'], {}, 'disown dangling1 waiting2');
  check('deletes what is left alone', ['dangling'], {}, 'delete Background');
  check('keeps to the policy asked for before', ['dangling'], { finalizers: ['orphan'] }, 'delete Orphan');
  check('keeps to the foreground asked for before', ['dangling'], { finalizers: ['foregroundDeletion'] }, 'delete Foreground');
  check('deletes for an owner that waits', ['waiting'], {}, 'delete Background');
  check('deletes in the foreground when there are dependents', ['waiting'], { hasDependents: true }, 'delete Foreground');
  check('breaks a circle', ['waiting'], { hasDependents: true, dependentWaits: true }, 'delete Foreground, unblock owners');
});
