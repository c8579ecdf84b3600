/**
 * Which flow schema a request belongs to: the first, by precedence, that has a rule for the user and for what is asked. Which schemas may
 * concern a user is worked out once a user and kept; users are objects that live as long as their connection or token.
 * @source apiserver util/flowcontrol/rule.go
 */
import type { flowcontrolv1 } from '../../api/index.ts';
import { parseServiceAccountUser } from '../auth/users.ts';
import type { RequestInfo, UserInfo } from '../request.ts';
import type { PriorityLevel } from './priority-level.ts';

/** A schema with everything that is counted of its requests. */
export interface FlowSchemaState {
  readonly name: string;
  readonly level: PriorityLevel;
  readonly distinguisher: 'ByUser' | 'ByNamespace' | undefined;
  /** What answers tell of the classification. */
  readonly headers: Readonly<Record<string, string>>;
  readonly counts: FlowCounts;
}

/** Plain numbers: metrics read them when somebody asks. */
export interface FlowCounts {
  dispatched: number;
  executing: number;
  executingSeats: number;
  waiting: number;
  waitingSeats: number;
  /** By reason. */
  readonly rejected: Map<string, number>;
}

export function noCounts(): FlowCounts {
  return { dispatched: 0, executing: 0, executingSeats: 0, waiting: 0, waitingSeats: 0, rejected: new Map() };
}

/** What concerns one user. */
interface Candidate {
  readonly schema: FlowSchemaState;
  readonly rules: readonly CompiledRule[];
}

/** `undefined` stands for everything. */
type Some = ReadonlySet<string> | undefined;

interface CompiledRule {
  readonly concerns: (user: UserInfo) => boolean;
  readonly resources: readonly {
    readonly verbs: Some;
    readonly groups: Some;
    readonly resources: Some;
    readonly namespaces: Some;
    readonly clusterScope: boolean;
  }[];
  readonly paths: readonly { readonly verbs: Some; readonly urls: readonly string[] | undefined }[];
}

export class FlowSchemas {
  readonly #schemas: readonly Candidate[];
  readonly #fallback: FlowSchemaState;
  readonly #byUser = new WeakMap<UserInfo, readonly Candidate[]>();

  /**
   * @param schemas each with its API object
   * @param fallback for what no schema wants
   */
  constructor(
    schemas: readonly { readonly state: FlowSchemaState; readonly object: flowcontrolv1.FlowSchema }[],
    fallback: FlowSchemaState,
  ) {
    this.#schemas = schemas
      .toSorted((a, b) => precedence(a.object) - precedence(b.object) || (a.state.name < b.state.name ? -1 : 1))
      .map(({ state, object }) => ({ schema: state, rules: (object.spec.rules ?? []).map(compileRule) }));
    this.#fallback = fallback;
  }

  classify(user: UserInfo, info: RequestInfo): FlowSchemaState {
    let candidates = this.#byUser.get(user);
    if (!candidates) this.#byUser.set(user, (candidates = this.#concerning(user)));
    for (const { schema, rules } of candidates) for (const rule of rules) if (matches(rule, info)) return schema;
    return this.#fallback;
  }

  #concerning(user: UserInfo): Candidate[] {
    return this.#schemas
      .map(({ schema, rules }) => ({ schema, rules: rules.filter(({ concerns }) => concerns(user)) }))
      .filter(({ rules }) => rules.length > 0);
  }
}

function precedence({ spec }: flowcontrolv1.FlowSchema): number {
  return spec.matchingPrecedence ?? 1_000;
}

function matches(rule: CompiledRule, info: RequestInfo): boolean {
  const { verb, namespace } = info;
  if (!info.isResourceRequest) {
    return rule.paths.some(({ verbs, urls }) => isOneOf(verbs, verb) && (urls === undefined || urls.some((url) => covers(url, info.path))));
  }
  for (const { verbs, groups, resources, namespaces, clusterScope } of rule.resources) {
    if (!isOneOf(verbs, verb) || !isOneOf(groups, info.apiGroup)) continue;
    if (namespace === '' ? !clusterScope : !isOneOf(namespaces, namespace)) continue;
    if (isOneOf(resources, info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`)) return true;
  }
  return false;
}

function isOneOf(some: Some, value: string): boolean {
  return some === undefined || some.has(value);
}

function covers(url: string, path: string): boolean {
  return url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : url === path;
}

function compileRule({ subjects, resourceRules, nonResourceRules }: flowcontrolv1.PolicyRulesWithSubjects): CompiledRule {
  const concerned = subjects.map(compileSubject);
  return {
    concerns: (user) => concerned.some((isConcerned) => isConcerned(user)),
    resources: (resourceRules ?? []).map((rule) => ({
      verbs: some(rule.verbs),
      groups: some(rule.apiGroups),
      resources: some(rule.resources),
      namespaces: some(rule.namespaces ?? []),
      clusterScope: rule.clusterScope ?? false,
    })),
    paths: (nonResourceRules ?? []).map(({ verbs, nonResourceURLs }) => ({
      verbs: some(verbs),
      urls: nonResourceURLs.includes('*') ? undefined : nonResourceURLs,
    })),
  };
}

function some(values: readonly string[]): Some {
  return values.includes('*') ? undefined : new Set(values);
}

function compileSubject({ user, group, serviceAccount }: flowcontrolv1.Subject): (asking: UserInfo) => boolean {
  if (user) return ({ name }) => user.name === '*' || name === user.name;
  if (group) return ({ groups }) => group.name === '*' || groups.includes(group.name);
  if (!serviceAccount) return () => false;
  return ({ name }) => {
    const account = parseServiceAccountUser(name);
    if (account?.namespace !== serviceAccount.namespace) return false;
    return serviceAccount.name === '*' || serviceAccount.name === account.name;
  };
}
