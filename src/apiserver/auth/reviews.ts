/**
 * Answers what `authentication.k8s.io` is asked: whose a token is (for components that are shown one), and who sends this request.
 * @source kubernetes pkg/registry/authentication/{tokenreview,selfsubjectreview}, v1.35
 */
import { type authenticationv1, badRequest, type Draft, type JsonObject } from '../../api/index.ts';
import { formatTime } from '../../base/index.ts';
import type { ApiServerHost, ExtensionFactory, SubresourceHandler } from '../extension.ts';
import type { ApiResponse, UserInfo } from '../request.ts';
import type { TokenVerdict } from './token-authenticator.ts';
import { authenticated } from './users.ts';

export function authenticationReviewsExtension(): ExtensionFactory {
  return (host) => ({
    subresources: {
      'tokenreviews.authentication.k8s.io': tokenReviewHandler(host),
      'selfsubjectreviews.authentication.k8s.io': selfSubjectReviewHandler(host),
    },
  });
}

function tokenReviewHandler({ reviewToken }: ApiServerHost): SubresourceHandler {
  return async (_, target) => {
    // The decoder has checked the kind.
    const review = (await target.decodeBody()) as unknown as Draft<authenticationv1.TokenReview>;
    const { token = '', audiences = [] } = review.spec ?? {};
    if (token === '') throw badRequest('token is required for TokenReview in authentication');
    review.status = statusOf(await reviewToken(token, audiences));
    return created(review);
  };
}

/** What a client is told of a token. Pure. */
export function statusOf(verdict: TokenVerdict): Draft<authenticationv1.TokenReviewStatus> {
  if (!verdict) return { error: 'invalid bearer token', user: {} };
  if ('failure' in verdict) {
    // As Go prints errors in errors: in one list.
    const { failure } = verdict;
    return { error: `[invalid bearer token, ${failure.startsWith('[') ? failure.slice(1, -1) : failure}]`, user: {} };
  }
  return { authenticated: true, user: userInfo(authenticated(verdict.user)), audiences: [...verdict.audiences] };
}

function selfSubjectReviewHandler({ clock }: ApiServerHost): SubresourceHandler {
  return async ({ user }, target) => {
    const review = (await target.decodeBody()) as unknown as Draft<authenticationv1.SelfSubjectReview>;
    // Whatever was sent, the answer is about who sent it, and about nothing else.
    return created({
      apiVersion: review.apiVersion,
      kind: review.kind,
      metadata: { creationTimestamp: formatTime(clock.now()) },
      status: { userInfo: userInfo(user) },
    });
  };
}

function userInfo({ name, uid, groups, extra }: UserInfo): Draft<authenticationv1.UserInfo> {
  return {
    username: name,
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(extra && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
}

function created(review: object): ApiResponse {
  return { type: 'object', status: 201, object: review as JsonObject };
}
