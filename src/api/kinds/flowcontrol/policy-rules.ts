/**
 * Rules of a FlowSchema: who asks (subjects) and what for (resources, paths). A list that has to be there may be missing all the same.
 * @source pkg/apis/flowcontrol/validation, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { forbidden, invalidValue, notSupported, required } from '../../field-errors.ts';
import type { NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../../gen/flowcontrol-v1.ts';
import { nameIsDnsLabel, nameIsDnsSubdomain } from '../../names.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const subjectKinds = ['Group', 'ServiceAccount', 'User'];

export function policyRuleErrors(rule: Partial<PolicyRulesWithSubjects>, path: string): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const errors: FieldError[] = [];
  if (subjects.length === 0) errors.push(required(`${path}.subjects`, 'subjects must contain at least one value'));
  subjects.forEach((subject, i) => errors.push(...subjectErrors(subject, `${path}.subjects[${i}]`)));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  resourceRules.forEach((one, i) => errors.push(...resourceRuleErrors(one, `${path}.resourceRules[${i}]`)));
  nonResourceRules.forEach((one, i) => errors.push(...pathRuleErrors(one, `${path}.nonResourceRules[${i}]`)));
  return errors;
}

/** What a subject of each kind must have, in the order in which upstream looks at what it must not. */
const parts = [
  { kind: 'ServiceAccount', field: 'serviceAccount' },
  { kind: 'User', field: 'user' },
  { kind: 'Group', field: 'group' },
] as const;

function subjectErrors(subject: Subject, path: string): FieldError[] {
  const own = parts.find(({ kind }) => kind === subject.kind);
  if (!own) return [notSupported(`${path}.kind`, subject.kind ?? '', subjectKinds)];
  const errors: FieldError[] = [];
  const { field, kind } = own;
  const value = subject[field];
  if (!value) errors.push(required(`${path}.${field}`, `${field} is required when subject kind is '${kind}'`));
  else if (!value.name) errors.push(required(`${path}.${field}.name`));
  if (subject.kind === 'ServiceAccount' && subject.serviceAccount)
    errors.push(...accountErrors(subject.serviceAccount, `${path}.${field}`));
  for (const other of parts) {
    if (other === own || !subject[other.field]) continue;
    errors.push(forbidden(`${path}.${other.field}`, `${other.field} is forbidden when subject kind is not '${other.kind}'`));
  }
  return errors;
}

function accountErrors({ name, namespace }: NonNullable<Subject['serviceAccount']>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (name && name !== '*') for (const message of nameIsDnsSubdomain(name, false)) errors.push(invalidValue(`${path}.name`, name, message));
  if (!namespace) errors.push(required(`${path}.namespace`, 'must specify namespace for service account'));
  else for (const message of nameIsDnsLabel(namespace, false)) errors.push(invalidValue(`${path}.namespace`, namespace, message));
  return errors;
}

function resourceRuleErrors(rule: Partial<ResourcePolicyRule>, path: string): FieldError[] {
  const { apiGroups = [], resources = [], namespaces = [], clusterScope = false } = rule;
  const errors = verbErrors(rule.verbs, path);
  if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  else errors.push(...aloneErrors(apiGroups, `${path}.apiGroups`, 'api groups'));
  if (resources.length === 0) errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
  else errors.push(...aloneErrors(resources, `${path}.resources`, 'resources'));
  const namespacesPath = `${path}.namespaces`;
  if (namespaces.length === 0 && !clusterScope) {
    errors.push(required(namespacesPath, 'resource rules that are not cluster scoped must supply at least one namespace'));
  } else if (namespaces.includes('*')) {
    errors.push(...aloneErrors(namespaces, namespacesPath, 'namespaces'));
  } else {
    namespaces.forEach((namespace, i) => {
      for (const message of nameIsDnsLabel(namespace, false)) {
        const detail = `each member of this list must be '*' or a DNS-1123 label; ${message}`;
        errors.push(invalidValue(`${namespacesPath}[${i}]`, namespace, detail));
      }
    });
  }
  return errors;
}

function pathRuleErrors(rule: Partial<NonResourcePolicyRule>, path: string): FieldError[] {
  const { nonResourceURLs: urls = [] } = rule;
  const errors = verbErrors(rule.verbs, path);
  const urlsPath = `${path}.nonResourceURLs`;
  if (urls.length === 0) errors.push(required(urlsPath, 'nonResourceURLs must contain at least one value'));
  else if (urls.includes('*')) errors.push(...aloneErrors(urls, urlsPath, 'non-resource URLs'));
  else {
    urls.forEach((url, i) => {
      const fault = urlFault(url);
      if (fault !== undefined) errors.push(invalidValue(`${urlsPath}[${i}]`, url, fault));
    });
  }
  return errors;
}

function verbErrors(given: readonly string[] = [], path: string): FieldError[] {
  const verbsPath = `${path}.verbs`;
  if (given.length === 0) return [required(verbsPath, 'verbs must contain at least one value')];
  if (given.includes('*')) return aloneErrors(given, verbsPath, 'verbs');
  return given.every((verb) => verbs.includes(verb)) ? [] : [notSupported(verbsPath, given, verbs)];
}

/** `*` stands for everything, so nothing stands beside it. */
function aloneErrors(values: readonly string[], path: string, what: string): FieldError[] {
  if (values.length < 2 || !values.includes('*')) return [];
  return [invalidValue(path, values, `if '*' is present, must not specify other ${what}`)];
}

function urlFault(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const wildcard = url.indexOf('*');
  return wildcard >= 0 && (wildcard !== url.length - 1 || !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}
