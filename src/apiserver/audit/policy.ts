/**
 * The audit policy: what is written down of which request. Read from a file, checked with every fault told, and asked for every request:
 * the first rule that matches decides.
 * @source apiserver pkg/audit/policy, pkg/apis/audit/validation, v1.35
 */
import { dns1123SubdomainErrors, fieldErrors, type FieldError } from '../../api/index.ts';
import { isJsonObject } from '../../api/json/index.ts';
import { parseYaml, YamlSyntaxError } from '../../api/yaml/index.ts';
import type { RequestInfo, UserInfo } from '../request.ts';

export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Level = (typeof levels)[number];
export type Stage = (typeof stages)[number];

/** The file is no audit policy. */
export class AuditPolicyError extends Error {
  override readonly name = 'AuditPolicyError';
}

/** What is written of a request. */
export interface AuditVerdict {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

interface GroupResources {
  readonly group: string;
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

interface Rule extends AuditVerdict {
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly namespaces: readonly string[];
  readonly resources: readonly GroupResources[];
  readonly nonResourceURLs: readonly string[];
}

export class AuditPolicy {
  readonly #rules: readonly Rule[];
  readonly #otherwise: AuditVerdict;

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    this.#otherwise = { level: 'None', omitStages: new Set(), omitManagedFields: false };
  }

  /**
   * Reads a policy of `audit.k8s.io/v1`.
   * @param path of the file, for messages
   * @throws AuditPolicyError
   */
  static parse(text: string, path: string): AuditPolicy {
    const policy = readDocument(text, path);
    const rules = arrayOf(policy.rules);
    if (rules.length === 0) throw new AuditPolicyError(`loaded illegal policy with 0 rules from file ${path}`);
    const faults = [
      ...stageErrors(policy.omitStages, 'omitStages'),
      ...rules.flatMap((rule, i) => ruleErrors(isJsonObject(rule) ? rule : {}, `rules[${i}]`)),
    ];
    if (faults.length > 0) {
      const told = new Set(faults.map(({ field, message }) => `${field}: ${message}`));
      throw new AuditPolicyError(`invalid audit policy in file ${path}: ${[...told].join(', ')}`);
    }
    const omitEverywhere = texts(policy.omitStages) as Stage[];
    const omitManagedFields = policy.omitManagedFields === true;
    return new AuditPolicy(rules.map((rule) => readRule(rule as RawRule, omitEverywhere, omitManagedFields)));
  }

  /** @param user undefined: nobody was authenticated */
  decide(user: UserInfo | undefined, info: RequestInfo): AuditVerdict {
    return this.#rules.find((rule) => matches(rule, user, info)) ?? this.#otherwise;
  }
}

type RawRule = Readonly<Record<string, unknown>>;

function readDocument(text: string, path: string): RawRule {
  let value: unknown;
  try {
    ({ value } = parseYaml(Buffer.from(text)));
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    throw new AuditPolicyError(`failed decoding file ${path}: ${error.message}`, { cause: error });
  }
  if (!isJsonObject(value)) throw new AuditPolicyError(`failed decoding file ${path}: it holds no object`);
  if (value.apiVersion !== 'audit.k8s.io/v1' || value.kind !== 'Policy') {
    throw new AuditPolicyError(
      `unknown group version field ${JSON.stringify(value.apiVersion ?? '')}, kind ${JSON.stringify(value.kind ?? '')} in policy file ${path}`,
    );
  }
  return value;
}

function readRule(rule: RawRule, omitEverywhere: readonly Stage[], omitManagedFields: boolean): Rule {
  return {
    // Checked before.
    level: rule.level as Level,
    omitStages: new Set([...omitEverywhere, ...(texts(rule.omitStages) as Stage[])]),
    omitManagedFields: typeof rule.omitManagedFields === 'boolean' ? rule.omitManagedFields : omitManagedFields,
    users: texts(rule.users),
    userGroups: texts(rule.userGroups),
    verbs: texts(rule.verbs),
    namespaces: texts(rule.namespaces),
    nonResourceURLs: texts(rule.nonResourceURLs),
    resources: arrayOf(rule.resources)
      .filter(isJsonObject)
      .map(({ group, resources, resourceNames }) => ({
        group: typeof group === 'string' ? group : '',
        resources: texts(resources),
        resourceNames: texts(resourceNames),
      })),
  };
}

function ruleErrors(rule: RawRule, path: string): FieldError[] {
  const { invalidValue, notSupported, required } = fieldErrors;
  const errors: FieldError[] = [];
  const level = typeof rule.level === 'string' ? rule.level : '';
  if (level === '') errors.push(required(`${path}.level`));
  else if (!(levels as readonly string[]).includes(level)) errors.push(notSupported(`${path}.level`, level, levels));
  const urls = texts(rule.nonResourceURLs);
  urls.forEach((url, i) => {
    if (url === '*') return;
    const at = `${path}.nonResourceURLs[${i}]`;
    if (!url.startsWith('/')) errors.push(invalidValue(at, url, "non-resource URL rules must begin with a '/' character"));
    if (url.slice(0, -1).includes('*')) {
      errors.push(invalidValue(at, url, "non-resource URL wildcards '*' must be the final character of the rule"));
    }
  });
  for (const resource of arrayOf(rule.resources).filter(isJsonObject)) {
    const group = typeof resource.group === 'string' ? resource.group : '';
    const faults = group === '' ? [] : dns1123SubdomainErrors(group);
    if (faults.length > 0) errors.push(invalidValue(`${path}.resources.group`, group, faults.join(',')));
    const names = texts(resource.resourceNames);
    if (names.length > 0 && texts(resource.resources).length === 0) {
      errors.push(invalidValue(`${path}.resources.resourceNames`, names, 'using resourceNames requires at least one resource'));
    }
  }
  errors.push(...stageErrors(rule.omitStages, `${path}.omitStages`));
  if (urls.length > 0 && (arrayOf(rule.resources).length > 0 || texts(rule.namespaces).length > 0)) {
    errors.push(invalidValue(`${path}.nonResourceURLs`, urls, 'rules cannot apply to both regular resources and non-resource URLs'));
  }
  return errors;
}

function stageErrors(list: unknown, path: string): FieldError[] {
  return texts(list).flatMap((stage, i) =>
    (stages as readonly string[]).includes(stage)
      ? []
      : [fieldErrors.invalidValue(`${path}[${i}]`, stage, `allowed stages are ${stages.join(',')}`)],
  );
}

function matches(rule: Rule, user: UserInfo | undefined, info: RequestInfo): boolean {
  const { users, userGroups, verbs, namespaces, resources, nonResourceURLs } = rule;
  if (users.length > 0 && !(user && users.includes(user.name))) return false;
  if (userGroups.length > 0 && !user?.groups.some((group) => userGroups.includes(group))) return false;
  if (verbs.length > 0 && !verbs.includes(info.verb)) return false;
  if (namespaces.length > 0 || resources.length > 0) {
    if (!info.isResourceRequest || (namespaces.length > 0 && !namespaces.includes(info.namespace))) return false;
    return resources.length === 0 || resources.some((group) => isAmong(group, info));
  }
  if (nonResourceURLs.length > 0) return !info.isResourceRequest && nonResourceURLs.some((url) => covers(url, info.path));
  return true;
}

function isAmong({ group, resources, resourceNames }: GroupResources, { apiGroup, resource, subresource, name }: RequestInfo): boolean {
  if (group !== apiGroup) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(name)) return false;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some((wanted) => {
    if (wanted === combined || wanted === '*') return true;
    if (subresource !== '' && wanted === `*/${subresource}`) return true;
    return wanted === `${resource}/*`;
  });
}

function covers(url: string, path: string): boolean {
  return url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, '')));
}

/** @throws AuditPolicyError: a rule that lost a part of it would match more than was meant */
function arrayOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new AuditPolicyError(`invalid audit policy: ${JSON.stringify(value)} is no list`);
  return value;
}

function texts(value: unknown): string[] {
  return arrayOf(value).map((one) => {
    if (typeof one !== 'string') throw new AuditPolicyError(`invalid audit policy: ${JSON.stringify(one)} is no text`);
    return one;
  });
}
