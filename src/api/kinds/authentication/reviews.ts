/**
 * The reviews of `authentication.k8s.io`: whose a token is, and who one is oneself. They are asked by creating them and are never stored; the
 * API server's authentication answers them.
 */
import type { SelfSubjectReview, TokenReview } from '../../gen/authentication-v1.ts';
import { authenticationv1Resources } from '../../gen/resources.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';

const asked = { verbs: ['create'], columns: [], strategy: { validate: () => [], validateUpdate: () => [] } } as const;

export const selfSubjectReviewResource: ResourceDefinition = defineResource<SelfSubjectReview>({
  ref: authenticationv1Resources.selfsubjectreviews,
  ...asked,
});

export const tokenReviewResource: ResourceDefinition = defineResource<TokenReview>({
  ref: authenticationv1Resources.tokenreviews,
  ...asked,
});
