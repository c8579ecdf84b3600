/**
 * FlowSchema: which requests belong together, and to which priority level they go.
 * @source pkg/apis/flowcontrol/validation/validation.go, pkg/registry/flowcontrol/flowschema, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { invalidValue, notSupported, required } from '../../field-errors.ts';
import type { FlowSchema, FlowSchemaSpec } from '../../gen/flowcontrol-v1.ts';
import { flowcontrolv1Resources } from '../../gen/resources.ts';
import { nameIsDnsSubdomain } from '../../names.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { sameJson } from '../immutable.ts';
import { keepMetadata } from '../keep.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { conditionErrors } from './condition-rules.ts';
import { mandatoryFlowSchemas } from './default-flow-schemas.ts';
import { policyRuleErrors } from './policy-rules.ts';

const defaultPrecedence = 1_000;
const maxPrecedence = 10_000;
const distinguisherMethods = ['ByNamespace', 'ByUser'];

export const flowSchemaResource: ResourceDefinition = defineResource<FlowSchema>({
  ref: flowcontrolv1Resources.flowschemas,
  columns: [
    nameColumn,
    column('PriorityLevel', 'string', 'The priority level of the requests.', ({ spec }) => spec.priorityLevelConfiguration?.name ?? ''),
    column('MatchingPrecedence', 'string', 'Lower ones are asked first.', ({ spec }) => spec.matchingPrecedence ?? 0),
    column('DistinguisherMethod', 'string', 'What tells flows apart.', ({ spec }) => spec.distinguisherMethod?.type ?? '<none>'),
    ageColumn,
    column('MissingPL', 'string', 'Whether the priority level is missing.', ({ status }) => {
      return status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?';
    }),
  ],
  subresources: [
    statusSubresource<FlowSchema>({
      resetFields: ['spec', 'metadata'],
      prepareForUpdate: (schema, old) => {
        schema.spec = old.spec as Draft<FlowSchemaSpec>;
        keepMetadata(schema.metadata, old.metadata);
      },
      validateUpdate: ({ status }) => conditionErrors(status?.conditions),
    }),
  ],
  strategy: {
    applyDefaults: (schema) => {
      (schema as { spec?: unknown }).spec ??= {};
      (schema as { status?: unknown }).status ??= {};
      schema.spec.matchingPrecedence ||= defaultPrecedence;
    },
    prepareForCreate: (schema) => {
      schema.status = {};
    },
    prepareForUpdate: (schema, old) => {
      schema.status = old.status as Draft<FlowSchema['status']>;
    },
    validate: flowSchemaErrors,
    validateUpdate: flowSchemaErrors,
  },
});

function flowSchemaErrors({ metadata, spec, status }: FlowSchema): FieldError[] {
  const { name } = metadata;
  const errors = specErrors(name, spec);
  const mandatory = mandatoryFlowSchemas.find((one) => one.metadata.name === name);
  if (mandatory && !sameJson(spec, mandatory.spec)) {
    errors.push(invalidValue('spec', spec, `spec of '${name}' must equal the fixed value`));
  }
  return [...errors, ...conditionErrors(status?.conditions)];
}

function specErrors(name: string, spec: FlowSchemaSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { matchingPrecedence: precedence = 0, distinguisherMethod, rules = [] } = spec;
  const path = 'spec.matchingPrecedence';
  if (precedence <= 0) errors.push(invalidValue(path, precedence, 'must be a positive value'));
  if (precedence > maxPrecedence) errors.push(invalidValue(path, precedence, `must not be greater than ${maxPrecedence}`));
  if (precedence === 1 && name !== 'exempt') {
    errors.push(invalidValue(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (distinguisherMethod && !distinguisherMethods.includes(distinguisherMethod.type)) {
    // Upstream prints the whole of its own structure.
    errors.push(notSupported('spec.distinguisherMethod.type', { Type: distinguisherMethod.type }, distinguisherMethods));
  }
  const level = spec.priorityLevelConfiguration?.name ?? '';
  const levelPath = 'spec.priorityLevelConfiguration.name';
  if (level === '') errors.push(required(levelPath, 'must reference a priority level'));
  else for (const message of nameIsDnsSubdomain(level, false)) errors.push(invalidValue(levelPath, level, message));
  rules.forEach((rule, i) => errors.push(...policyRuleErrors(rule, `spec.rules[${i}]`)));
  return errors;
}
