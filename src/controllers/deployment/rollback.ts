/**
 * Rolling back by an annotation, as the oldest API of Deployments asked for it: the template of a revision becomes the Deployment's. What
 * kubectl does itself nowadays. Pure.
 * @source pkg/controller/deployment/rollback.go and util, v1.35
 */
import type { appsv1 } from '../../api/index.ts';
import { keptAnnotations, lastRevision, revisionOf, rollbackAnnotation } from './annotations.ts';
import { sameTemplate, withoutHash } from './template.ts';

type Deployment = appsv1.Deployment;

export interface Rollback {
  /** Without the request; with the template of the revision where there is one to go back to. */
  readonly deployment: Deployment;
  readonly event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };
}

/** Undefined when nobody asks for it. */
export function planRollback(deployment: Deployment, replicaSets: readonly appsv1.ReplicaSet[]): Rollback | undefined {
  const asked = deployment.metadata.annotations?.[rollbackAnnotation];
  if (asked === undefined || !/^[-+]?\d+$/.test(asked)) return undefined;
  const cleared = without(deployment);
  const warn = (reason: string, message: string): Rollback => ({ deployment: cleared, event: { type: 'Warning', reason, message } });
  const revision = BigInt(asked) || lastRevision(replicaSets);
  if (revision === 0n) return warn('DeploymentRollbackRevisionNotFound', 'Unable to find last revision.');
  const found = replicaSets.find((replicaSet) => revisionOf(replicaSet) === revision);
  if (!found) return warn('DeploymentRollbackRevisionNotFound', 'Unable to find the revision to rollback to.');
  const { name } = deployment.metadata;
  const template = found.spec.template ?? {};
  if (sameTemplate(template, deployment.spec.template)) {
    const message = `The rollback revision contains the same template as current deployment "${name}"`;
    return warn('DeploymentRollbackTemplateUnchanged', message);
  }
  const annotations = keptAnnotations(cleared.metadata.annotations ?? {}, found.metadata.annotations ?? {});
  return {
    deployment: {
      ...cleared,
      metadata: { ...cleared.metadata, annotations },
      spec: { ...cleared.spec, template: withoutHash(template) },
    },
    event: { type: 'Normal', reason: 'DeploymentRollback', message: `Rolled back deployment "${name}" to revision ${revision}` },
  };
}

function without(deployment: Deployment): Deployment {
  const { [rollbackAnnotation]: _, ...annotations } = deployment.metadata.annotations ?? {};
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}
