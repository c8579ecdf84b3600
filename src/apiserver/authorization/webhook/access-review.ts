/**
 * The question that a webhook is asked and the answer it gives: a SubjectAccessReview there and back. Pure.
 * @source apiserver plugin/pkg/authorizer/webhook/webhook.go, v1.35
 */
import type { authorizationv1, FieldRequirement, JsonObject, JsonValue, LabelRequirement, metav1 } from '../../../api/index.ts';
import type { UserInfo } from '../../request.ts';
import type { Access, Verdict } from '../authorizer.ts';
import { selectorsOf } from '../selectors.ts';

/** The versions of the review that webhooks speak. */
export const reviewVersions = ['v1', 'v1beta1'] as const;
export type ReviewVersion = (typeof reviewVersions)[number];

type Spec = authorizationv1.SubjectAccessReviewSpec;

/** What is asked, in the order in which upstream writes it; what is empty is left out, so that equal questions are equal text. */
export function accessReviewSpec({ name, uid, groups, extra }: UserInfo, access: Access): Spec {
  return {
    ...(access.isResourceRequest
      ? { resourceAttributes: resourceAttributes(access) }
      : { nonResourceAttributes: { ...ifSaid('path', access.path), ...ifSaid('verb', access.verb) } }),
    ...ifSaid('user', name),
    ...(groups.length > 0 && { groups }),
    ...(extra && Object.keys(extra).length > 0 && { extra }),
    ...ifSaid('uid', uid),
  };
}

function resourceAttributes(access: Access): authorizationv1.ResourceAttributes {
  const { fields, labels } = selectorsOf(access);
  const labelRequirements = labels.flatMap((label) => labelRequirement(label) ?? []);
  return {
    ...ifSaid('namespace', access.namespace),
    ...ifSaid('verb', access.verb),
    ...ifSaid('group', access.apiGroup),
    ...ifSaid('version', access.version),
    ...ifSaid('resource', access.resource),
    ...ifSaid('subresource', access.subresource),
    ...ifSaid('name', access.name),
    ...(fields.length > 0 && { fieldSelector: { requirements: fields.map(fieldRequirement) } }),
    ...(labelRequirements.length > 0 && { labelSelector: { requirements: labelRequirements } }),
  };
}

function ifSaid<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return value ? ({ [key]: value } as { readonly [P in K]?: string }) : {};
}

function fieldRequirement({ field, operator, value }: FieldRequirement): metav1.FieldSelectorRequirement {
  return { key: field, operator: operator === '=' ? 'In' : 'NotIn', values: [value] };
}

const labelOperators: Readonly<Partial<Record<LabelRequirement['operator'], string>>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

/** Undefined for what reviews have no word for: without it more is asked for, never less. */
function labelRequirement({ key, operator, values }: LabelRequirement): metav1.LabelSelectorRequirement | undefined {
  const word = labelOperators[operator];
  return word === undefined ? undefined : { key, operator: word, ...(values.length > 0 && { values }) };
}

export function accessReview(spec: Spec, version: ReviewVersion): JsonObject {
  const { groups, ...rest } = spec;
  // v1beta1 has another name for the groups.
  const asked = version === 'v1' || !groups ? spec : { ...rest, group: groups };
  return {
    kind: 'SubjectAccessReview',
    apiVersion: `authorization.k8s.io/${version}`,
    metadata: {},
    // A spec is a JSON tree.
    spec: asked as unknown as JsonObject,
    status: { allowed: false },
  };
}

/** The answer is no review, or none that can be understood. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
}

/** @throws ReviewError: an answer that is not as it should be allows nothing */
export function verdictOf(answer: JsonObject, version: ReviewVersion): Verdict {
  const expected = `authorization.k8s.io/${version}`;
  const { kind, apiVersion, status = {} } = answer;
  if (kind !== 'SubjectAccessReview' || apiVersion !== expected) {
    throw new ReviewError(`the webhook did not answer with a SubjectAccessReview of ${expected}`);
  }
  if (typeof status !== 'object' || status === null || Array.isArray(status)) throw new ReviewError('the review has no status');
  const allowed = boolean(status, 'allowed');
  const denied = boolean(status, 'denied');
  const { reason = '' } = status as JsonObject;
  if (typeof reason !== 'string') throw new ReviewError('status.reason of the review is not a string');
  if (denied && allowed) {
    return { decision: 'deny', reason, error: 'webhook subject access review returned both allow and deny response' };
  }
  return { decision: denied ? 'deny' : allowed ? 'allow' : 'no-opinion', reason };
}

function boolean(status: JsonValue, field: 'allowed' | 'denied'): boolean {
  const value = (status as JsonObject)[field] ?? false;
  if (typeof value !== 'boolean') throw new ReviewError(`status.${field} of the review is not a boolean`);
  return value;
}
