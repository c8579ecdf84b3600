/**
 * Answers the reviews of `authorization.k8s.io` with the same authorizer that guards every request.
 * @source pkg/registry/authorization (subjectaccessreview, localsubjectaccessreview, selfsubjectaccessreview, selfsubjectrulesreview), v1.35
 */
import { type authorizationv1, badRequest, type Draft, type FieldError, invalid, type JsonObject } from '../../../api/index.ts';
import type { SubresourceHandler, SubresourceHandlers } from '../../extension.ts';
import type { ApiResponse, UserInfo } from '../../request.ts';
import { type Access, type Authorizer, pathAccess, resourceAccess } from '../authorizer.ts';
import { joinedErrors, type RuleLister } from '../rules.ts';
import { readSelectors } from './review-selectors.ts';
import { validateAccessReviewSpec, validateLocalReview, validateReviewMetadata } from './validate-review.ts';

type Spec = authorizationv1.SubjectAccessReviewSpec;
type LocalReview = authorizationv1.LocalSubjectAccessReview;

export function reviewHandlers(authorize: Authorizer, listRules: RuleLister): SubresourceHandlers {
  return {
    'subjectaccessreviews.authorization.k8s.io': accessReview(authorize, {
      validate: ({ metadata, spec }) => [...validateAccessReviewSpec(spec, false), ...validateReviewMetadata(metadata, 'nothing')],
      subject: (_asker, spec) => subjectOf(spec),
    }),
    'localsubjectaccessreviews.authorization.k8s.io': accessReview(authorize, {
      validate: (review) => [
        ...validateAccessReviewSpec(review.spec, false),
        ...validateReviewMetadata(review.metadata, 'namespace'),
        ...validateLocalReview(review),
      ],
      subject: (_asker, spec) => subjectOf(spec),
    }),
    'selfsubjectaccessreviews.authorization.k8s.io': accessReview(authorize, {
      validate: ({ metadata, spec }) => [...validateAccessReviewSpec(spec, true), ...validateReviewMetadata(metadata, 'nothing')],
      subject: (asker) => asker,
    }),
    'selfsubjectrulesreviews.authorization.k8s.io': rulesReview(listRules),
  };
}

interface Question {
  readonly validate: (review: LocalReview) => FieldError[];
  readonly subject: (asker: UserInfo, spec: Spec) => UserInfo;
}

function accessReview(authorize: Authorizer, { validate, subject }: Question): SubresourceHandler {
  return async (ctx, target) => {
    const { resource, namespace } = target;
    // Decoded by the schema of one of the access reviews, which differ in whom they ask about.
    const review = (await target.decodeBody()) as Draft<LocalReview>;
    review.spec ??= {};
    if (resource.namespaced) checkNamespace(review, namespace);
    const errors = validate(review);
    if (errors.length > 0) throw invalid({ group: resource.group, resource: resource.kind }, errors);
    const { access, errors: unread } = accessOf(review.spec);
    const verdict = await authorize(subject(ctx.user, review.spec), access);
    const evaluationErrors = [...(verdict.error === undefined ? [] : [verdict.error]), ...unread];
    review.status = {
      allowed: verdict.decision === 'allow',
      ...(verdict.decision === 'deny' && { denied: true }),
      ...(verdict.reason !== '' && { reason: verdict.reason }),
      ...(evaluationErrors.length > 0 && { evaluationError: joinedErrors(evaluationErrors) }),
    };
    return created(review);
  };
}

function checkNamespace({ metadata }: Draft<LocalReview>, namespace: string): void {
  metadata.namespace ||= namespace;
  if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

function rulesReview(listRules: RuleLister): SubresourceHandler {
  return async ({ user }, target) => {
    // Decoded by the schema of the kind.
    const review = (await target.decodeBody()) as Draft<authorizationv1.SelfSubjectRulesReview>;
    const namespace = review.spec?.namespace ?? '';
    if (namespace === '') throw badRequest('no namespace on request');
    const { resourceRules, nonResourceRules, incomplete, errors } = listRules(user, namespace);
    return created({
      ...review,
      spec: {},
      status: {
        resourceRules,
        nonResourceRules,
        incomplete,
        ...(errors.length > 0 && { evaluationError: joinedErrors(errors) }),
      },
    });
  };
}

function created(object: object): ApiResponse {
  // A review is a JSON tree.
  return { type: 'object', status: 201, object: object as JsonObject };
}

function subjectOf({ user = '', groups = [], uid, extra }: Spec): UserInfo {
  return { name: user, groups, ...(uid !== undefined && { uid }), ...(extra && { extra }) };
}

function accessOf({ resourceAttributes, nonResourceAttributes }: Spec): { readonly access: Access; readonly errors: readonly string[] } {
  if (!resourceAttributes) return { access: pathAccess(nonResourceAttributes?.verb ?? '', nonResourceAttributes?.path ?? ''), errors: [] };
  const { verb = '', group = '', version = '', resource = '', subresource = '', namespace = '', name = '' } = resourceAttributes;
  const { selectors, errors } = readSelectors(resourceAttributes);
  return {
    access: resourceAccess({ verb, apiGroup: group, version: version || '*', resource, subresource, namespace, name, selectors }),
    errors,
  };
}
