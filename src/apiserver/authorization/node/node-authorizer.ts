/**
 * What kubelets may do: read what the pods on their node need and nothing of the others', keep their own Node, Lease and CSINode,
 * and what every node needs alike. Where the object is only known from the request's body, NodeRestriction looks further.
 * @source plugin/pkg/auth/authorizer/node/node_authorizer.go, v1.35
 */
import { goQuote } from '../../../api/index.ts';
import type { UserInfo } from '../../request.ts';
import { type Access, allowed, type Authorizer, noOpinion, type Verdict } from '../authorizer.ts';
import { clusterRoles } from '../bootstrap/cluster-roles.ts';
import { policyRule } from '../bootstrap/policy-text.ts';
import { CompiledRules } from '../rbac/compiled-rules.ts';
import { cannotListRules, noRules, type RuleLister } from '../rules.ts';
import { selectorsOf } from '../selectors.ts';
import { nodeNameOf } from './node-identity.ts';
import type { NodeRelations, RelatedKind } from './node-relations.ts';

type Rule = (node: string, access: Access) => Verdict;

const leaseNamespace = 'kube-node-lease';

export function nodeAuthorizer(relations: NodeRelations): Authorizer {
  const rules = nodeRules();
  const byResource = resourceRules(relations);
  return (user, access) => {
    const node = nodeNameOf(user);
    if (node === undefined) return noOpinion;
    if (node === '') return refuse(`unknown node for user ${goQuote(user.name)}`);
    if (access.isResourceRequest) {
      const rule = byResource.get(access.apiGroup === '' ? access.resource : `${access.resource}.${access.apiGroup}`);
      if (rule) return rule(node, access);
    }
    const combined = access.subresource === '' ? access.resource : `${access.resource}/${access.subresource}`;
    return rules.find(access, combined) ?? noOpinion;
  };
}

export const nodeRuleLister: RuleLister = (user: UserInfo) => (nodeNameOf(user) === undefined ? noRules : cannotListRules('node'));

/** What every node may do alike. */
function nodeRules(): CompiledRules {
  const rules = new CompiledRules();
  for (const text of clusterRoles['system:node']!.rules) rules.add(policyRule(text), allowed);
  return rules;
}

function refuse(reason: string): Verdict {
  return { decision: 'no-opinion', reason };
}

function resourceRules(relations: NodeRelations): ReadonlyMap<string, Rule> {
  const related =
    (kind: RelatedKind): Rule =>
    (node, { namespace, name }) => {
      if (name === '') return refuse('No Object name found');
      if (relations.isRelated(node, kind, namespace, name)) return allowed;
      return refuse(`no relationship found between node '${node}' and this object`);
    };
  const get =
    (kind: RelatedKind): Rule =>
    (node, access) => {
      if (access.verb !== 'get') return refuse('can only get individual resources of this type');
      if (access.subresource !== '') return refuse('cannot get subresource');
      return related(kind)(node, access);
    };
  const read =
    (kind: RelatedKind): Rule =>
    (node, access) => {
      if (!reading.has(access.verb)) return refuse('can only read resources of this type');
      if (access.subresource !== '') return refuse('cannot read subresource');
      if (access.namespace === '') return refuse('can only read namespaced object of this type');
      return related(kind)(node, access);
    };
  return new Map<string, Rule>([
    ['secrets', read('secret')],
    ['configmaps', read('configmap')],
    ['persistentvolumeclaims', (node, access) => (access.subresource === 'status' ? claimStatus : get('claim'))(node, access)],
    ['persistentvolumes', get('volume')],
    ['volumeattachments.storage.k8s.io', get('attachment')],
    ['serviceaccounts', (node, access) => (access.verb === 'get' ? get('serviceaccount') : createToken)(node, access)],
    ['leases.coordination.k8s.io', ownLease],
    ['csinodes.storage.k8s.io', ownCsiNode],
    ['nodes', ownNode],
    ['pods', pods],
  ]);

  function claimStatus(node: string, access: Access): Verdict {
    if (access.verb !== 'update' && access.verb !== 'patch') return refuse('can only get/update/patch this type');
    return related('claim')(node, access);
  }

  function createToken(node: string, access: Access): Verdict {
    if (access.verb !== 'create' || access.name === '') return refuse('can only create tokens for individual service accounts');
    if (access.subresource !== 'token') return refuse('can only create token subresource of serviceaccount');
    return related('serviceaccount')(node, access);
  }

  function pods(node: string, access: Access): Verdict {
    switch (access.subresource) {
      case '':
        if (access.verb === 'get') return get('pod')(node, access);
        if (access.verb === 'list' || access.verb === 'watch') return listPods(node, access);
        return access.verb === 'create' || access.verb === 'delete' ? allowed : noOpinion;
      case 'status':
        return access.verb === 'update' || access.verb === 'patch' ? allowed : noOpinion;
      case 'eviction':
        return access.verb === 'create' ? allowed : noOpinion;
      default:
        return noOpinion;
    }
  }

  function listPods(node: string, access: Access): Verdict {
    const isOwn = selectorsOf(access).fields.some(
      ({ field, operator, value }) => field === 'spec.nodeName' && operator === '=' && value === node,
    );
    if (isOwn) return allowed;
    return access.name === '' ? refuse('can only list/watch pods with spec.nodeName field selector') : related('pod')(node, access);
  }
}

const reading = new Set(['get', 'list', 'watch']);
const keeping = new Set(['get', 'create', 'update', 'patch', 'delete']);

/** The name of a new object is not known here; NodeRestriction looks at it. */
function ownLease(node: string, { verb, namespace, name }: Access): Verdict {
  if (!keeping.has(verb)) return refuse('can only get, create, update, patch, or delete a node lease');
  if (namespace !== leaseNamespace) return refuse(`can only access leases in the ${goQuote(leaseNamespace)} system namespace`);
  if (verb !== 'create' && name !== node) return refuse('can only access node lease with the same name as the requesting node');
  return allowed;
}

function ownCsiNode(node: string, { verb, subresource, name }: Access): Verdict {
  if (!keeping.has(verb)) return refuse('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return refuse('cannot authorize CSINode subresources');
  if (verb !== 'create' && name !== node) return refuse('can only access CSINode with the same name as the requesting node');
  return allowed;
}

/** By name, so that a kubelet may look for its Node before that exists. */
function ownNode(node: string, { verb, subresource, name }: Access): Verdict {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allowed : noOpinion;
  if (subresource !== '') return noOpinion;
  if (verb === 'create' || verb === 'update' || verb === 'patch') return allowed;
  if (!reading.has(verb)) return noOpinion;
  if (name === node) return allowed;
  if (name === '') return refuse(`node '${node}' cannot read all nodes, only its own Node object`);
  return refuse(`node '${node}' cannot read '${name}', only its own Node object`);
}
