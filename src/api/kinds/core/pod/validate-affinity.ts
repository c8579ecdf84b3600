/** Affinity to nodes and to other pods. @source pkg/apis/core/validation/validation.go validateAffinity, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, forbidden, invalidValue, required } from '../../../field-errors.ts';
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  WeightedPodAffinityTerm,
} from '../../../gen/core-v1.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../../../names.ts';
import { validateLabelSelector } from '../label-selector-rules.ts';

export function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, path: string, errors: FieldError[]): void {
  if (nodeAffinity) {
    const at = `${path}.nodeAffinity`;
    const wanted = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    if (wanted) validateNodeSelector(wanted, `${at}.requiredDuringSchedulingIgnoredDuringExecution`, errors);
    for (const [i, { weight, preference }] of (nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const own = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      errors.push(...weightErrors(weight, own));
      // A label value that no node can have is tolerated in a preference.
      validateNodeSelectorTerm(preference ?? {}, { path: `${own}.preference`, checkValues: false }, errors);
    }
  }
  for (const [field, affinity] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    if (!affinity) continue;
    const at = `${path}.${field}`;
    for (const [i, term] of (affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      validatePodTerm(term, `${at}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`, errors);
    }
    for (const [i, weighted] of (affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      validateWeightedTerm(weighted, `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`, errors);
    }
  }
}

function weightErrors(weight: number | undefined, path: string): FieldError[] {
  const value = weight ?? 0;
  return value <= 0 || value > 100 ? [invalidValue(`${path}.weight`, value, 'must be in the range 1-100')] : [];
}

/** A node selector wherever it stands: in pods and in volumes. */
export function validateNodeSelector({ nodeSelectorTerms }: NodeSelector, path: string, errors: FieldError[]): void {
  const at = `${path}.nodeSelectorTerms`;
  if (!nodeSelectorTerms?.length) {
    errors.push(required(at, 'must have at least one node selector term'));
    return;
  }
  for (const [i, term] of nodeSelectorTerms.entries()) validateNodeSelectorTerm(term, { path: `${at}[${i}]`, checkValues: true }, errors);
}

function validateNodeSelectorTerm(
  term: NodeSelectorTerm,
  rule: { readonly path: string; readonly checkValues: boolean },
  errors: FieldError[],
): void {
  for (const [i, one] of (term.matchExpressions ?? []).entries()) {
    validateRequirement(one, { path: `${rule.path}.matchExpressions[${i}]`, checkValues: rule.checkValues }, errors);
  }
  for (const [i, one] of (term.matchFields ?? []).entries()) validateFieldRequirement(one, `${rule.path}.matchFields[${i}]`, errors);
}

function validateRequirement(
  { key, operator, values = [] }: NodeSelectorRequirement,
  rule: { readonly path: string; readonly checkValues: boolean },
  errors: FieldError[],
): void {
  const { path } = rule;
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) errors.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      break;
    default:
      errors.push(invalidValue(`${path}.operator`, operator ?? '', 'not a valid selector operator'));
  }
  addInvalid(errors, `${path}.key`, key ?? '', qualifiedNameErrors(key ?? ''));
  if (!rule.checkValues) return;
  for (const [i, value] of values.entries()) addInvalid(errors, `${path}.values[${i}]`, value, labelValueErrors(value));
}

function validateFieldRequirement({ key, operator, values = [] }: NodeSelectorRequirement, path: string, errors: FieldError[]): void {
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(invalidValue(`${path}.operator`, operator ?? '', 'not a valid selector operator'));
  } else if (values.length !== 1) {
    errors.push(required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (key !== 'metadata.name') {
    errors.push(invalidValue(`${path}.key`, key ?? '', 'not a valid field selector key'));
    return;
  }
  for (const [i, value] of values.entries()) addInvalid(errors, `${path}.values[${i}]`, value, dns1123SubdomainErrors(value));
}

function validateWeightedTerm({ weight, podAffinityTerm }: WeightedPodAffinityTerm, path: string, errors: FieldError[]): void {
  errors.push(...weightErrors(weight, path));
  validatePodTerm(podAffinityTerm ?? { topologyKey: '' }, `${path}.podAffinityTerm`, errors);
}

function validatePodTerm(term: PodAffinityTerm, path: string, errors: FieldError[]): void {
  const topologyKey = term.topologyKey ?? '';
  validateLabelSelector(term.labelSelector, `${path}.labelSelector`, errors);
  validateLabelSelector(term.namespaceSelector, `${path}.namespaceSelector`, errors);
  for (const name of term.namespaces ?? []) addInvalid(errors, `${path}.namespace`, name, dns1123LabelErrors(name));
  validateLabelKeys(term, path, errors);
  if (topologyKey === '') errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  addInvalid(errors, `${path}.topologyKey`, topologyKey, qualifiedNameErrors(topologyKey));
}

/**
 * Keys whose values are taken from the pod itself. The API server has added them to a pod's selector by now, so one that stands there
 * besides is told by being there twice; a template does not show it.
 */
export function validateLabelKeys(
  {
    labelSelector,
    matchLabelKeys = [],
    mismatchLabelKeys = [],
  }: Pick<PodAffinityTerm, 'labelSelector' | 'matchLabelKeys' | 'mismatchLabelKeys'>,
  path: string,
  errors: FieldError[],
): void {
  for (const [field, keys] of [
    ['matchLabelKeys', matchLabelKeys],
    ['mismatchLabelKeys', mismatchLabelKeys],
  ] as const) {
    if (keys.length === 0) continue;
    if (!labelSelector) errors.push(forbidden(`${path}.${field}`, 'must not be specified when labelSelector is not set'));
    else for (const [i, key] of keys.entries()) addInvalid(errors, `${path}.${field}[${i}]`, key, qualifiedNameErrors(key));
  }
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const i = matchLabelKeys.indexOf(key);
    if (i >= 0 && selected.has(key)) errors.push(invalidValue(`${path}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'));
    selected.add(key);
  }
  for (const [i, key] of matchLabelKeys.entries()) {
    if (mismatchLabelKeys.includes(key)) {
      errors.push(invalidValue(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
    }
  }
}
