/** The door of authorization. */
export {
  type Access,
  allowed,
  type Authorizer,
  type Decision,
  forbiddenRequest,
  noOpinion,
  pathAccess,
  refusalOf,
  resourceAccess,
  type Verdict,
  whenAllowed,
} from './authorizer.ts';
export type { AdditionalPolicy } from './bootstrap/policy-keeper.ts';
export { type AuthorizationOptions, authorizationExtension } from './extension.ts';
export { privilegedGroups } from './chain.ts';
export { type AccessSelectors, selectorsOf } from './selectors.ts';
