/**
 * Fills the rules of cluster roles that gather others: `admin`, `edit` and `view` are made so, and grow with what is installed.
 * @source pkg/controller/clusterroleaggregation, v1.35
 */
import { isApiError, type rbacv1, rbacv1Resources } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Outcome } from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { gatheredRules } from './aggregate.ts';

const fieldManager = 'clusterrole-aggregation-controller';
const { clusterroles } = rbacv1Resources;

export function createClusterRoleAggregationController({ client, informers }: ControllerContext): Controller {
  const roles = informers.informer(clusterroles);

  const setup = (enqueue: (key: string) => void): void => {
    // Any role may be gathered by any other that gathers.
    const wake = (): void => {
      for (const { metadata, aggregationRule } of roles.list()) if (aggregationRule) enqueue(metadata.name);
    };
    roles.addHandler({ added: wake, updated: wake, deleted: wake });
  };

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    const role = roles.get({ name });
    if (!role?.aggregationRule) return done;
    const rules = gatheredRules(role, roles.list());
    if (semanticEqual(rules, role.rules)) return done;
    const body: Pick<rbacv1.ClusterRole, 'apiVersion' | 'kind' | 'rules'> & { readonly metadata: { readonly name: string } } = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name },
      rules,
    };
    try {
      const query = { fieldManager, force: true };
      await client.patch(clusterroles, { name }, { type: 'application/apply-patch+yaml', body }, { signal, query });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
    return done;
  };

  return { name: 'clusterrole-aggregation-controller', reconcile, setup, workers: 1 };
}
