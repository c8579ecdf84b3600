/** Ports: protocols, and targets that are a number or the name of a container's port. */
import type { FieldError } from '../../errors.ts';
import { invalidValue } from '../../field-errors.ts';
import type { IntOrString } from '../../gen/scalars.ts';
import { portNameErrors, portNumberErrors } from '../../names.ts';

/** Sorted, as messages list them. */
export const supportedProtocols: readonly string[] = ['SCTP', 'TCP', 'UDP'];

export function portNumberOrNameErrors(path: string, port: IntOrString): FieldError[] {
  const faults = typeof port === 'number' ? portNumberErrors(port) : portNameErrors(port);
  return faults.map((message) => invalidValue(path, port, message));
}
