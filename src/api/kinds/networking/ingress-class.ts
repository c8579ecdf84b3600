/** IngressClass: a controller of ingresses, and with what it works. @source pkg/apis/networking/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, addUnsupported, forbidden, required, tooLong } from '../../field-errors.ts';
import type { IngressClass, IngressClassParametersReference } from '../../gen/networking-v1.ts';
import { networkingv1Resources } from '../../gen/resources.ts';
import { dns1123LabelErrors } from '../../names.ts';
import { utf8Length } from '../../object-meta.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource } from '../define-resource.ts';
import { domainPrefixedPathErrors } from '../domain-path-rules.ts';
import { immutableField } from '../immutable.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { validateReference } from './ingress-rules.ts';

/** The annotation that marks the class of ingresses that name none. */
export const defaultIngressClassMark = 'ingressclass.kubernetes.io/is-default-class';

const maxControllerBytes = 250;

export const ingressClassResource: ResourceDefinition = defineResource<IngressClass>({
  ref: networkingv1Resources.ingressclasses,
  columns: [
    nameColumn,
    column('Controller', 'string', 'The controller that acts on its ingresses.', ({ spec }) => spec.controller ?? ''),
    column('Parameters', 'string', 'The object that says more.', ({ spec }) => parametersText(spec.parameters)),
    ageColumn,
  ],
  strategy: {
    applyDefaults: (ingressClass) => {
      ingressClass.spec ??= {};
      if (ingressClass.spec.parameters) ingressClass.spec.parameters.scope ??= 'Cluster';
    },
    validate: validateIngressClass,
    validateUpdate: (ingressClass, old) => [
      ...immutableField('spec.controller', ingressClass.spec.controller ?? '', old.spec.controller ?? ''),
      ...validateIngressClass(ingressClass),
    ],
  },
});

function parametersText(parameters: IngressClassParametersReference | undefined): string {
  if (!parameters) return '<none>';
  const { apiGroup, kind, name } = parameters;
  return apiGroup === undefined ? `${kind}/${name}` : `${kind}.${apiGroup}/${name}`;
}

function validateIngressClass({ spec }: IngressClass): FieldError[] {
  const errors: FieldError[] = [];
  const { controller, parameters } = spec;
  if (!controller) errors.push(required('spec.controller'));
  else {
    if (utf8Length(controller) > maxControllerBytes) errors.push(tooLong('spec.controller', maxControllerBytes));
    errors.push(...domainPrefixedPathErrors('spec.controller', controller));
  }
  if (parameters) validateParameters(parameters, 'spec.parameters', errors);
  return errors;
}

function validateParameters(parameters: IngressClassParametersReference, path: string, errors: FieldError[]): void {
  validateReference(parameters, path, errors);
  const { scope, namespace } = parameters;
  if (scope === undefined) {
    errors.push(required(`${path}.scope`));
    return;
  }
  addUnsupported(errors, `${path}.scope`, scope, ['Cluster', 'Namespace']);
  if (scope === 'Namespace') {
    if (namespace === undefined) errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
    else addInvalid(errors, `${path}.namespace`, namespace, dns1123LabelErrors(namespace));
  } else if (scope === 'Cluster' && namespace !== undefined) {
    errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  }
}
