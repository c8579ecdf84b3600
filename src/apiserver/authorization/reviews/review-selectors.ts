/**
 * The selectors of a review: as text or as requirements, of which those that this server does not know are left out and reported,
 * since a selector only narrows what is asked.
 * @source pkg/registry/authorization/util/helpers.go, apimachinery pkg/apis/meta/v1/helpers.go, v1.35
 */
import {
  type authorizationv1,
  type FieldRequirement,
  goQuote,
  type LabelOperator,
  type LabelRequirement,
  type metav1,
  parseFieldSelector,
  parseLabelSelector,
  requirement,
  SelectorError,
} from '../../../api/index.ts';
import { joinedErrors } from '../rules.ts';
import type { AccessSelectors } from '../selectors.ts';

export interface ReadSelectors {
  readonly selectors: AccessSelectors;
  /** What of them was not understood. */
  readonly errors: readonly string[];
}

export function readSelectors({ fieldSelector, labelSelector }: authorizationv1.ResourceAttributes): ReadSelectors {
  const fields = readOne('fieldSelector', fieldSelector, (text) => parseFieldSelector(text).requirements, fieldRequirement);
  const labels = readOne('labelSelector', labelSelector, (text) => parseLabelSelector(text).requirements, labelRequirement);
  return { selectors: { fields: fields.read, labels: labels.read }, errors: [...fields.errors, ...labels.errors] };
}

function readOne<Part, Requirement>(
  name: string,
  selector: { readonly rawSelector?: string; readonly requirements?: readonly Part[] } | undefined,
  parse: (text: string) => readonly Requirement[],
  one: (part: Part) => Requirement,
): { readonly read: readonly Requirement[]; readonly errors: readonly string[] } {
  const { rawSelector = '', requirements = [] } = selector ?? {};
  const faults: string[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      faults.push(error.message);
      return undefined;
    }
  };
  const read =
    rawSelector !== '' ? (attempt(() => parse(rawSelector)) ?? []) : requirements.flatMap((part) => attempt(() => one(part)) ?? []);
  if (faults.length === 0) return { read, errors: [] };
  const ignored = read.length > 0 ? 'partially ignored' : 'ignored';
  return { read, errors: [`spec.resourceAttributes.${name} ${ignored} due to parse error: ${joinedErrors(faults)}`] };
}

function fieldRequirement({ key, operator, values = [] }: metav1.FieldSelectorRequirement): FieldRequirement {
  switch (operator) {
    case 'In':
      if (values.length !== 1) throw new SelectorError('fieldSelectors in must have one value');
      return { field: key, operator: '=', value: values[0]! };
    case 'NotIn':
      if (values.length !== 1) throw new SelectorError('fieldSelectors not in must have one value');
      return { field: key, operator: '!=', value: values[0]! };
    case 'Exists':
    case 'DoesNotExist':
      throw new SelectorError(`fieldSelectors do not yet support ${operator}`);
    default:
      throw new SelectorError(`${goQuote(operator)} is not a valid field selector operator`);
  }
}

const labelOperators: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

function labelRequirement({ key, operator, values = [] }: metav1.LabelSelectorRequirement): LabelRequirement {
  const known = Object.hasOwn(labelOperators, operator) ? labelOperators[operator] : undefined;
  if (known === undefined) throw new SelectorError(`${goQuote(operator)} is not a valid label selector operator`);
  return requirement(key, known, values);
}
