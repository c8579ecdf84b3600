/** What a review may ask. @source pkg/apis/authorization/validation/validation.go, v1.35 */
import { type authorizationv1, type FieldError, fieldErrors, type metav1 } from '../../../api/index.ts';

const { forbidden, invalidValue, required } = fieldErrors;

type Spec = authorizationv1.SubjectAccessReviewSpec;

/** @param self the question is about whoever asks */
export function validateAccessReviewSpec(spec: Spec, self: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const { resourceAttributes, nonResourceAttributes, user = '', groups = [] } = spec;
  if (resourceAttributes && nonResourceAttributes) {
    errors.push(
      invalidValue('spec.nonResourceAttributes', nonResourceAttributes, 'cannot be specified in combination with resourceAttributes'),
    );
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    errors.push(
      invalidValue('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'),
    );
  }
  if (!self && user === '' && groups.length === 0) {
    errors.push(invalidValue('spec.user', user, 'at least one of user or group must be specified'));
  }
  if (resourceAttributes) validateSelectors(resourceAttributes, errors);
  return errors;
}

/** @param allowed what the metadata may hold nevertheless */
export function validateReviewMetadata(metadata: Readonly<metav1.ObjectMeta>, allowed: 'nothing' | 'namespace'): FieldError[] {
  const { managedFields: _managed, ...rest } = metadata;
  const set = Object.entries(rest).filter(([key, value]) => !isEmpty(value) && !(key === 'namespace' && allowed === 'namespace'));
  if (set.length === 0) return [];
  return [invalidValue('metadata', metadata, allowed === 'namespace' ? 'must be empty except for namespace' : 'must be empty')];
}

export function validateLocalReview({ metadata, spec }: authorizationv1.LocalSubjectAccessReview): FieldError[] {
  const errors: FieldError[] = [];
  const { resourceAttributes, nonResourceAttributes } = spec;
  const namespace = resourceAttributes?.namespace ?? '';
  if (resourceAttributes && namespace !== (metadata.namespace ?? '')) {
    errors.push(invalidValue('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace'));
  }
  if (nonResourceAttributes) {
    errors.push(invalidValue('spec.nonResourceAttributes', nonResourceAttributes, 'disallowed on this kind of request'));
  }
  return errors;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);
}

function validateSelectors({ fieldSelector, labelSelector }: authorizationv1.ResourceAttributes, errors: FieldError[]): void {
  validateSelector(fieldSelector, 'spec.resourceAttributes.fieldSelector', errors);
  validateSelector(labelSelector, 'spec.resourceAttributes.labelSelector', errors);
}

interface Selector {
  readonly rawSelector?: string;
  readonly requirements?: readonly (metav1.FieldSelectorRequirement | metav1.LabelSelectorRequirement)[];
}

/** Operators that this server does not know are let through: a newer client may know an authorizer that does. */
function validateSelector(selector: Selector | undefined, path: string, errors: FieldError[]): void {
  if (!selector) return;
  const { rawSelector = '', requirements = [] } = selector;
  if (rawSelector !== '' && requirements.length > 0) {
    errors.push(invalidValue(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements'));
  }
  if (rawSelector === '' && requirements.length === 0) {
    errors.push(required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`));
  }
  for (const [i, { key, operator, values = [] }] of requirements.entries()) {
    const at = `${path}.requirements[${i}]`;
    if (!key) errors.push(required(`${at}.key`, 'must be specified'));
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  }
}
