/**
 * The reviews of `authorization.k8s.io`: questions about what somebody may do. They are asked by creating them and are never
 * stored; the API server's authorization answers them.
 */
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '../../gen/authorization-v1.ts';
import { authorizationv1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';

const asked = { verbs: ['create'], columns: [], strategy: { validate: () => [], validateUpdate: () => [] } } as const;

export const localSubjectAccessReviewResource: ResourceDefinition = defineResource<LocalSubjectAccessReview>({
  ref: authorizationv1Resources.localsubjectaccessreviews,
  ...asked,
});

export const selfSubjectAccessReviewResource: ResourceDefinition = defineResource<SelfSubjectAccessReview>({
  ref: authorizationv1Resources.selfsubjectaccessreviews,
  ...asked,
});

export const selfSubjectRulesReviewResource: ResourceDefinition = defineResource<SelfSubjectRulesReview>({
  ref: authorizationv1Resources.selfsubjectrulesreviews,
  ...asked,
});

export const subjectAccessReviewResource: ResourceDefinition = defineResource<SubjectAccessReview>({
  ref: authorizationv1Resources.subjectaccessreviews,
  ...asked,
});
