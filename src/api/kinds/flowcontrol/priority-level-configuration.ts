/**
 * PriorityLevelConfiguration: how much of the server's concurrency a class of requests has, and what happens to those beyond.
 * @source pkg/apis/flowcontrol/validation/validation.go, pkg/registry/flowcontrol/prioritylevelconfiguration, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { forbidden, invalidValue, notSupported, required } from '../../field-errors.ts';
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../gen/flowcontrol-v1.ts';
import { flowcontrolv1Resources } from '../../gen/resources.ts';
import type { Draft } from '../../object.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { defineResource, statusSubresource } from '../define-resource.ts';
import { sameJson } from '../immutable.ts';
import { keepMetadata } from '../keep.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';
import { conditionErrors } from './condition-rules.ts';
import { mandatoryPriorityLevels } from './default-priority-levels.ts';

const maxQueues = 10_000_000;
/** Bits of a flow's hash that may be used up by dealing a hand. @source apiserver util/shufflesharding */
const maxHashBits = 60;

/** A conservative count of the bits that dealing a hand from a deck takes. */
function requiredEntropyBits(deckSize: number, handSize: number): number {
  return Math.ceil(Math.log2(deckSize) * handSize);
}

const queuing = ({ spec }: PriorityLevelConfiguration): QueuingConfiguration | undefined => spec.limited?.limitResponse?.queuing;

export const priorityLevelConfigurationResource: ResourceDefinition = defineResource<PriorityLevelConfiguration>({
  ref: flowcontrolv1Resources.prioritylevelconfigurations,
  columns: [
    nameColumn,
    column('Type', 'string', 'Whether requests are limited.', ({ spec }) => spec.type),
    column(
      'NominalConcurrencyShares',
      'string',
      'The share of the concurrency.',
      ({ spec }) => spec.limited?.nominalConcurrencyShares ?? '<none>',
    ),
    column('Queues', 'string', 'How many queues requests wait in.', (level) => queuing(level)?.queues ?? '<none>'),
    column('HandSize', 'string', 'How many queues a flow may wait in.', (level) => queuing(level)?.handSize ?? '<none>'),
    column('QueueLengthLimit', 'string', 'How many requests wait in one queue.', (level) => queuing(level)?.queueLengthLimit ?? '<none>'),
    ageColumn,
  ],
  subresources: [
    statusSubresource<PriorityLevelConfiguration>({
      resetFields: ['spec', 'metadata'],
      prepareForUpdate: (level, old) => {
        level.spec = old.spec;
        keepMetadata(level.metadata, old.metadata);
      },
      validateUpdate: ({ status }) => conditionErrors(status?.conditions),
    }),
  ],
  strategy: {
    applyDefaults: (level) => {
      (level as { spec?: unknown }).spec ??= {};
      (level as { status?: unknown }).status ??= {};
      const { exempt, limited } = level.spec;
      if (exempt) {
        exempt.nominalConcurrencyShares ??= 0;
        exempt.lendablePercent ??= 0;
      }
      if (limited) {
        limited.nominalConcurrencyShares ??= 30;
        limited.lendablePercent ??= 0;
        const queues = limited.limitResponse?.queuing;
        if (queues) {
          queues.handSize ||= 8;
          queues.queues ||= 64;
          queues.queueLengthLimit ||= 50;
        }
      }
    },
    prepareForCreate: (level) => {
      level.status = {};
    },
    prepareForUpdate: (level, old) => {
      level.status = old.status as Draft<PriorityLevelConfiguration['status']>;
    },
    validate: levelErrors,
    validateUpdate: levelErrors,
  },
});

function levelErrors({ metadata, spec, status }: PriorityLevelConfiguration): FieldError[] {
  const { name } = metadata;
  const errors = specErrors(name, spec);
  const mandatory = mandatoryPriorityLevels.find((one) => one.metadata.name === name);
  // What the exempt level lends may be changed.
  const wanted = mandatory && (name === 'exempt' ? { ...mandatory.spec, exempt: spec.exempt } : mandatory.spec);
  if (wanted && !sameJson(spec, wanted)) {
    const what = name === 'exempt' ? `spec of '${name}' except the 'spec.exempt' field` : `spec of '${name}'`;
    errors.push(invalidValue('spec', spec, `${what} must equal the fixed value`));
  }
  return [...errors, ...conditionErrors(status?.conditions)];
}

function specErrors(name: string, { type, exempt, limited }: PriorityLevelConfigurationSpec): FieldError[] {
  const errors: FieldError[] = [];
  if ((name === 'exempt') !== (type === 'Exempt')) {
    errors.push(invalidValue('spec.type', type ?? '', "type must be 'Exempt' if and only if name is 'exempt'"));
  }
  if (type === 'Exempt') {
    if (exempt) errors.push(...exemptErrors(exempt));
    if (limited) errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
  } else if (type === 'Limited') {
    if (exempt) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
    if (limited) errors.push(...limitedErrors(limited));
    else errors.push(required('spec.limited', 'must not be empty when type is Limited'));
  } else {
    errors.push(notSupported('spec.type', type ?? '', ['Exempt', 'Limited']));
  }
  return errors;
}

function exemptErrors(exempt: ExemptPriorityLevelConfiguration): FieldError[] {
  return [
    ...atLeastZero('spec.exempt.nominalConcurrencyShares', exempt.nominalConcurrencyShares, 'must be a non-negative integer'),
    ...percentErrors('spec.exempt.lendablePercent', exempt.lendablePercent),
  ];
}

function limitedErrors(limited: LimitedPriorityLevelConfiguration): FieldError[] {
  const { nominalConcurrencyShares, limitResponse, lendablePercent, borrowingLimitPercent } = limited;
  return [
    ...atLeastZero('spec.limited.nominalConcurrencyShares', nominalConcurrencyShares, 'must be a non-negative integer'),
    ...responseErrors(limitResponse),
    ...percentErrors('spec.limited.lendablePercent', lendablePercent),
    ...atLeastZero('spec.limited.borrowingLimitPercent', borrowingLimitPercent, 'if specified, must be a non-negative integer'),
  ];
}

function responseErrors(response: LimitResponse | undefined): FieldError[] {
  const path = 'spec.limited.limitResponse';
  const type = response?.type ?? '';
  if (type === 'Reject') {
    return response?.queuing ? [forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')] : [];
  }
  if (type !== 'Queue') return [notSupported(`${path}.type`, type, ['Queue', 'Reject'])];
  if (!response?.queuing) return [required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')];
  return queuingErrors(response.queuing, `${path}.queuing`);
}

function queuingErrors({ queueLengthLimit = 0, queues = 0, handSize = 0 }: QueuingConfiguration, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) errors.push(invalidValue(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive'));
  if (queues <= 0) errors.push(invalidValue(`${path}.queues`, queues, 'must be positive'));
  else if (queues > maxQueues) errors.push(invalidValue(`${path}.queues`, queues, `must not be greater than ${maxQueues}`));
  if (handSize <= 0) errors.push(invalidValue(`${path}.handSize`, handSize, 'must be positive'));
  else if (handSize > queues) errors.push(invalidValue(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`));
  else if (requiredEntropyBits(queues, handSize) > maxHashBits) {
    const detail = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`;
    errors.push(invalidValue(`${path}.handSize`, handSize, detail));
  }
  return errors;
}

function atLeastZero(path: string, value: number | undefined, detail: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalidValue(path, value, detail)] : [];
}

function percentErrors(path: string, value: number | undefined): FieldError[] {
  return value !== undefined && (value < 0 || value > 100) ? [invalidValue(path, value, 'must be between 0 and 100, inclusive')] : [];
}
