/** CSINode: the storage drivers of a node, and what they call it. @source pkg/apis/storage/validation/validation.go, v1.35 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, duplicate, invalidValue, required } from '../../field-errors.ts';
import { storagev1Resources } from '../../gen/resources.ts';
import type { CSINode, CSINodeDriver } from '../../gen/storage-v1.ts';
import { qualifiedNameErrors } from '../../names.ts';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { validateCsi } from '../core/pod/validate-storage-sources.ts';
import { defineResource } from '../define-resource.ts';
import { sameJson } from '../immutable.ts';
import { ageColumn, column, nameColumn } from '../standard-columns.ts';

const maxNodeIdBytes = 256;

export const csiNodeResource: ResourceDefinition = defineResource<CSINode>({
  ref: storagev1Resources.csinodes,
  columns: [nameColumn, column('Drivers', 'integer', 'How many drivers the node has.', ({ spec }) => spec.drivers.length), ageColumn],
  strategy: {
    applyDefaults: (node) => {
      node.spec ??= { drivers: [] };
      node.spec.drivers ??= [];
    },
    validate: validateNode,
    validateUpdate: (node, old) => [...validateNode(node), ...driverChanges(node, old)],
    allowUnconditionalUpdate: false,
  },
});

function validateNode({ spec }: CSINode): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, driver] of spec.drivers.entries()) {
    const path = `spec.drivers[${i}]`;
    const faults: FieldError[] = [];
    validateCsi({ driver: driver.name }, path, faults);
    errors.push(...faults.map((fault) => ({ ...fault, field: `${path}.name` })));
    validateDriver(driver, path, errors);
    if (names.has(driver.name)) errors.push(duplicate(`${path}.name`, driver.name));
    names.add(driver.name);
  }
  return errors;
}

function validateDriver({ nodeID = '', allocatable, topologyKeys = [] }: Partial<CSINodeDriver>, path: string, errors: FieldError[]): void {
  if (nodeID === '') errors.push(required(`${path}.nodeID`));
  if (nodeID.length > maxNodeIdBytes) errors.push(invalidValue(`${path}.nodeID`, nodeID, `must be ${maxNodeIdBytes} characters or less`));
  if (allocatable?.count !== undefined && allocatable.count < 0) {
    errors.push(invalidValue(`${path}.allocatable.count`, allocatable.count, 'must be greater than or equal to 0'));
  }
  for (const [i, key] of topologyKeys.entries()) {
    if (key === '') errors.push(required(path));
    if (topologyKeys.indexOf(key) < i) errors.push(duplicate(path, key));
    addInvalid(errors, path, key, qualifiedNameErrors(key));
  }
}

/** Of a driver only the number of volumes may change; drivers come and go as a whole. */
function driverChanges(node: CSINode, old: CSINode): FieldError[] {
  return old.spec.drivers.flatMap((before) =>
    node.spec.drivers
      .filter(({ name }) => name === before.name)
      .flatMap((now) => {
        const [{ allocatable: _now, ...fixed }, { allocatable: _before, ...fixedBefore }] = [now, before];
        return sameJson(fixed, fixedBefore) ? [] : [invalidValue('spec.drivers', printed(fixed), 'field is immutable')];
      }),
  );
}

/** As upstream prints its own structure. */
function printed({ name, nodeID, topologyKeys = [] }: Omit<CSINodeDriver, 'allocatable'>): object {
  return { Name: name, NodeID: nodeID, TopologyKeys: topologyKeys, Allocatable: null };
}
