/**
 * The notation in which the default policy is written down: one line a rule.
 *
 *     read core: pods services                  verbs, groups, resources
 *     get,update coordination: leases = a b     … of these names only
 *     get /healthz /livez/*                     verbs, paths
 *
 * `read`, `write` and `all` stand for the verbs of readers, writers and both; groups are named without `.k8s.io`, `core` is the
 * group without a name. Lists come out sorted, as upstream's do.
 */
import type { rbacv1 } from '../../../api/index.ts';

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const verbSets: Readonly<Record<string, readonly string[]>> = { read, write, all: [...read, ...write] };

const plainGroups = new Set(['*', 'apps', 'autoscaling', 'batch', 'extensions', 'policy']);
const groupNames: Readonly<Record<string, string>> = { core: '', rbac: 'rbac.authorization.k8s.io' };

export function policyRule(text: string): rbacv1.PolicyRule {
  const [verbText = '', target = '', ...rest] = text.split(' ');
  const verbs = verbText.split(',').flatMap((verb) => verbSets[verb] ?? [verb]);
  if (!target.endsWith(':')) return { nonResourceURLs: [target, ...rest].toSorted(), verbs: verbs.toSorted() };
  const mark = rest.indexOf('=');
  const resources = mark < 0 ? rest : rest.slice(0, mark);
  return {
    apiGroups: target.slice(0, -1).split(',').map(groupOf).toSorted(),
    ...(mark >= 0 && { resourceNames: rest.slice(mark + 1).toSorted() }),
    resources: resources.toSorted(),
    verbs: verbs.toSorted(),
  };
}

function groupOf(short: string): string {
  return groupNames[short] ?? (plainGroups.has(short) ? short : `${short}.k8s.io`);
}

/** What every controller and component may do that tells of its work. */
export const tellEvents = 'create,patch,update core,events: events';
