/**
 * A kubelet writes its own Node, its own Lease, the pods on its node, and nothing else: one node that is taken over must not
 * take over the others.
 * @source kubernetes plugin/pkg/admission/noderestriction; pkg/auth/nodeidentifier
 */
import {
  type authenticationv1,
  configMapNamesOf,
  coordinationv1Resources,
  type corev1,
  corev1Resources,
  type Draft,
  goQuote,
  notFound,
  secretNamesOf,
  storagev1Resources,
} from '../../api/index.ts';
import type { AdmissionContext, AdmissionOperation, AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { UserInfo } from '../request.ts';
import { forbiddenLabelChanges } from './node-labels.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';
import { admitAudiences } from './token-audiences.ts';

type Pod = Draft<corev1.Pod>;
type Rule = (nodeName: string, request: AdmissionRequest, ctx: AdmissionContext) => void | Promise<void>;

const { nodes, persistentvolumeclaims, pods, serviceaccounts } = corev1Resources;
const mirrorAnnotation = 'kubernetes.io/config.mirror';
const nodeUserPrefix = 'system:node:';

const rules = [
  { resource: pods, rule: admitPod },
  { resource: nodes, rule: admitNode },
  { resource: persistentvolumeclaims, rule: admitClaim },
  { resource: serviceaccounts, rule: admitToken },
  { resource: coordinationv1Resources.leases, rule: admitLease },
  { resource: storagev1Resources.csinodes, rule: admitCsiNode },
] as const satisfies readonly { resource: { group: string; plural: string }; rule: Rule }[];

const operations: ReadonlySet<AdmissionOperation> = new Set(['CREATE', 'UPDATE', 'DELETE']);

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  handles: (resource, operation) => operations.has(operation) && rules.some((one) => isResource(resource, one.resource)),
  mutate: (request, ctx) => {
    const nodeName = nodeNameOf(request.user);
    if (nodeName === undefined) return undefined;
    if (nodeName === '') throw refusal(request, `could not determine node from user ${goQuote(request.user.name)}`);
    return rules.find((one) => isResource(request.resource, one.resource))?.rule(nodeName, request, ctx);
  },
};

/** The node that a user is; undefined for everybody else. */
function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith(nodeUserPrefix) || !user.groups.includes('system:nodes')) return undefined;
  return user.name.slice(nodeUserPrefix.length);
}

function admitPod(nodeName: string, request: AdmissionRequest, ctx: AdmissionContext): void {
  switch (request.subresource) {
    case '':
      return admitWholePod(nodeName, request, ctx);
    case 'status':
      return admitPodStatus(nodeName, request);
    case 'eviction': {
      if (request.operation !== 'CREATE') throw refusal(request, `unexpected operation ${request.operation}`);
      if (storedPod(request, request.name, ctx).spec.nodeName !== nodeName) {
        throw refusal(request, `node ${nodeName} can only evict pods with spec.nodeName set to itself`);
      }
      return;
    }
    default:
      throw refusal(request, `unexpected pod subresource ${goQuote(request.subresource)}, only 'status' and 'eviction' are allowed`);
  }
}

function admitWholePod(nodeName: string, request: AdmissionRequest, ctx: AdmissionContext): void {
  const node = goQuote(nodeName);
  switch (request.operation) {
    case 'CREATE':
      return admitMirrorPod(nodeName, request, ctx);
    case 'DELETE':
      if (storedPod(request, request.name, ctx).spec.nodeName !== nodeName) {
        throw refusal(request, `node ${node} can only delete pods with spec.nodeName set to itself`);
      }
      return;
    case 'UPDATE':
    case 'CONNECT':
      throw refusal(request, `unexpected operation ${goQuote(request.operation)}, node ${node} can only create and delete mirror pods`);
  }
}

/** A pod that a kubelet creates is the picture of one it runs from a file: owned by its Node, and using nothing of the API. */
function admitMirrorPod(nodeName: string, request: AdmissionRequest, ctx: AdmissionContext): void {
  const node = goQuote(nodeName);
  const refuse = (why: string): never => {
    throw refusal(request, why);
  };
  const pod = request.object as Pod;
  if (pod.metadata.annotations?.[mirrorAnnotation] === undefined) {
    refuse(`pod does not have ${goQuote(mirrorAnnotation)} annotation, node ${node} can only create mirror pods`);
  }
  if (pod.spec.nodeName !== nodeName) refuse(`node ${node} can only create pods with spec.nodeName set to itself`);
  const owners = pod.metadata.ownerReferences ?? [];
  if (owners.length > 1) refuse(`node ${node} can only create pods with a single owner reference set to itself`);
  const [owner] = owners;
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== nodeName) {
    return refuse(`node ${node} can only create pods with an owner reference set to itself`);
  }
  if (owner.controller !== true) refuse(`node ${node} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion === true) refuse(`node ${node} must not set blockOwnerDeletion on an owner reference`);
  const stored = ctx.registry.cached(nodes, { namespace: '', name: nodeName });
  if (!stored) throw notFound({ group: '', resource: 'node', name: nodeName });
  if (owner.uid !== stored.metadata.uid) refuse(`node ${nodeName} UID mismatch: expected ${owner.uid} got ${stored.metadata.uid}`);

  const cannotReference = (what: string): never => refuse(`node ${node} can not create pods that reference ${what}`);
  if (pod.spec.serviceAccountName) cannotReference('a service account');
  if (secretNamesOf(pod).length > 0) cannotReference('secrets');
  if (configMapNamesOf(pod).length > 0) cannotReference('configmaps');
  const volumes = pod.spec.volumes ?? [];
  if (volumes.some(({ projected }) => projected?.sources?.some(({ clusterTrustBundle }) => clusterTrustBundle))) {
    cannotReference('clustertrustbundles');
  }
  if (volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim)) cannotReference('persistentvolumeclaims');
}

function admitPodStatus(nodeName: string, request: AdmissionRequest): void {
  const node = goQuote(nodeName);
  if (request.operation !== 'UPDATE') throw refusal(request, `unexpected operation ${goQuote(request.operation)}`);
  const [pod, old] = [request.object as Pod, request.oldObject as corev1.Pod];
  if (old.spec.nodeName !== nodeName) {
    throw refusal(request, `node ${node} can only update pod status for pods with spec.nodeName set to itself`);
  }
  if (!sameJson(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) {
    throw refusal(request, `node ${node} cannot update labels through pod status`);
  }
  if (!sameJson(pod.status?.resourceClaimStatuses ?? [], old.status?.resourceClaimStatuses ?? [])) {
    throw refusal(request, `node ${node} cannot update resource claim statues`);
  }
}

function admitNode(nodeName: string, request: AdmissionRequest): void {
  const node = goQuote(nodeName);
  const wanted = request.name || (request.object?.metadata.name ?? '');
  if (wanted !== nodeName) throw refusal(request, `node ${node} is not allowed to modify node ${goQuote(wanted)}`);
  const [written, old] = [request.object as Draft<corev1.Node> | undefined, request.oldObject as corev1.Node | undefined];
  if (request.operation === 'CREATE' && written) {
    if (written.spec?.configSource) throw refusal(request, `node ${node} is not allowed to create pods with a non-nil configSource`);
    const labels = forbiddenLabelChanges(written.metadata.labels, undefined);
    if (labels.length > 0) throw refusal(request, `node ${node} is not allowed to set the following labels: ${labels.join(', ')}`);
  }
  if (request.operation === 'UPDATE' && written && old) {
    if (written.spec?.configSource && !sameJson(written.spec.configSource, old.spec?.configSource)) {
      throw refusal(request, `node ${node} is not allowed to update configSource to a new non-nil configSource`);
    }
    if (!sameJson(written.spec?.taints ?? [], old.spec?.taints ?? [])) {
      throw refusal(request, `node ${node} is not allowed to modify taints`);
    }
    const labels = forbiddenLabelChanges(written.metadata.labels, old.metadata.labels);
    if (labels.length > 0) throw refusal(request, `is not allowed to modify labels: ${labels.join(', ')}`);
  }
}

/** Growing a volume's file system is the kubelet's; the claim is not. */
function admitClaim(nodeName: string, request: AdmissionRequest): void {
  if (request.subresource !== 'status') throw refusal(request, 'may only update PVC status');
  if (request.operation !== 'UPDATE') throw refusal(request, `unexpected operation ${goQuote(request.operation)}`);
  if (
    !sameJson(
      withoutGrowth(request.object as Draft<corev1.PersistentVolumeClaim>),
      withoutGrowth(request.oldObject as corev1.PersistentVolumeClaim),
    )
  ) {
    throw refusal(request, `node ${goQuote(nodeName)} is not allowed to update fields other than status.capacity and status.conditions`);
  }
}

function withoutGrowth(claim: corev1.PersistentVolumeClaim | Draft<corev1.PersistentVolumeClaim>): unknown {
  const { resourceVersion: _, managedFields: __, ...metadata } = claim.metadata;
  const { capacity: ___, conditions: ____, allocatedResources: _____, allocatedResourceStatuses: ______, ...status } = claim.status ?? {};
  return { ...claim, metadata, status };
}

/** Tokens for a kubelet are those of the pods on its node. */
function admitToken(nodeName: string, request: AdmissionRequest, ctx: AdmissionContext): void | Promise<void> {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return;
  // The subresource's body; not every KubeObject has a spec.
  const { spec } = request.object as unknown as Draft<authenticationv1.TokenRequest>;
  const reference = spec.boundObjectRef;
  if (reference?.apiVersion !== 'v1' || reference.kind !== 'Pod' || !reference.name) {
    throw refusal(request, 'node requested token not bound to a pod');
  }
  if (!reference.uid) throw refusal(request, 'node requested token with a pod binding without a uid');
  const pod = storedPod(request, reference.name, ctx);
  if (pod.metadata.uid !== reference.uid) {
    throw refusal(
      request,
      `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (pod.spec.nodeName !== nodeName) throw refusal(request, 'node requested token bound to a pod scheduled on a different node');
  return admitAudiences(spec.audiences, pod, request, ctx);
}

function admitLease(nodeName: string, request: AdmissionRequest): void {
  if (request.namespace !== 'kube-node-lease') throw refusal(request, 'can only access leases in the "kube-node-lease" system namespace');
  if (ownName(request) !== nodeName) throw refusal(request, 'can only access node lease with the same name as the requesting node');
}

function admitCsiNode(nodeName: string, request: AdmissionRequest): void {
  if (ownName(request) !== nodeName) throw refusal(request, 'can only access CSINode with the same name as the requesting node');
}

function ownName({ operation, object, name }: AdmissionRequest): string | undefined {
  return operation === 'CREATE' ? object?.metadata.name : name;
}

function storedPod({ namespace }: AdmissionRequest, name: string, { registry }: AdmissionContext): corev1.Pod {
  const pod = registry.cached(pods, { namespace, name });
  if (!pod) throw notFound({ group: '', resource: 'pod', name });
  return pod;
}

/** Equal as JSON, whatever the order of the fields. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a).filter(isSet), new Map(Object.entries(b).filter(isSet))];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    left.length === right.size &&
    left.every(([key, value]) => right.has(key) && sameJson(value, right.get(key)))
  );
}

function isSet([, value]: readonly [string, unknown]): boolean {
  return value !== undefined;
}
