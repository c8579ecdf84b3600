import { describe, expect, it } from 'vitest';
import type { appsv1 } from '../../api/index.ts';
import { planRollback } from './rollback.ts';

const revision = 'deployment.kubernetes.io/revision';
const request = 'deprecated.deployment.rollback.to';

const template = (image: string, labels = {}): object => ({
  metadata: { labels: { app: 'web', ...labels } },
  spec: { containers: [{ name: 'web', image }] },
});

const replicaSet = (at: number, image: string): appsv1.ReplicaSet =>
  ({
    metadata: {
      name: `web-${at}`,
      annotations: { [revision]: String(at), cause: image, 'deployment.kubernetes.io/desired-replicas': '3' },
    },
    spec: { template: template(image, { 'pod-template-hash': `h${at}` }) },
  }) as unknown as appsv1.ReplicaSet;

const deployment = (asked: string | undefined): appsv1.Deployment =>
  ({
    metadata: { name: 'web', annotations: { [revision]: '3', cause: 'v3', own: 'goes', ...(asked !== undefined && { [request]: asked }) } },
    spec: { template: template('v3') },
  }) as unknown as appsv1.Deployment;

const family = [replicaSet(1, 'v1'), replicaSet(2, 'v2'), replicaSet(3, 'v3')];

describe('a rollback by annotation', () => {
  it('is not there when nobody asks, or not with a number', () => {
    expect([undefined, '', 'x', '1.5'].map((asked) => planRollback(deployment(asked), family))).toEqual(Array(4).fill(undefined));
  });

  it('takes the template and the annotations of the revision, and forgets the request', () => {
    const { deployment: back, event } = planRollback(deployment('1'), family)!;
    expect(back.spec.template).toEqual(template('v1'));
    expect(back.metadata.annotations).toEqual({ [revision]: '3', cause: 'v1' });
    expect(event).toEqual({ type: 'Normal', reason: 'DeploymentRollback', message: 'Rolled back deployment "web" to revision 1' });
  });

  const rows: [string, string, readonly appsv1.ReplicaSet[], string][] = [
    ['0 is the one before the last', '0', family, 'DeploymentRollback: Rolled back deployment "web" to revision 2'],
    ['0 of one alone', '0', family.slice(2), 'DeploymentRollbackRevisionNotFound: Unable to find last revision.'],
    ['one that is gone', '9', family, 'DeploymentRollbackRevisionNotFound: Unable to find the revision to rollback to.'],
    [
      'the one that is',
      '3',
      family,
      'DeploymentRollbackTemplateUnchanged: The rollback revision contains the same template as current deployment "web"',
    ],
  ];
  it.each(rows)('%s', (_, asked, replicaSets, expected) => {
    const { deployment: back, event } = planRollback(deployment(asked), replicaSets)!;
    expect(`${event.reason}: ${event.message}`).toBe(expected);
    expect(back.metadata.annotations).not.toHaveProperty([request]);
  });
});
