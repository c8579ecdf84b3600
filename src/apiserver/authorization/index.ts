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
export { type AccessSelectors, selectorsOf } from './selectors.ts';
