/** Which port a probe means. Pure. @source pkg/probe/util.go ResolveContainerPort */
import { type corev1, goQuote } from '../../api/index.ts';
import { ProbeError } from './outcome.ts';

/**
 * The number behind a port's number or name.
 * @throws ProbeError when no port of the container has the name, or the number is no port
 */
export function probePort(port: number | string, container: Pick<corev1.Container, 'ports'>): number {
  const number = typeof port === 'number' ? port : namedPort(port, container);
  if (number > 0 && number < 65536) return number;
  throw new ProbeError(`invalid port number: ${number}`);
}

function namedPort(name: string, { ports = [] }: Pick<corev1.Container, 'ports'>): number {
  const found = ports.find((port) => port.name === name);
  if (found) return found.containerPort;
  // A number may have been written as a text.
  if (/^[+-]?\d+$/.test(name)) return Number(name);
  throw new ProbeError(`strconv.Atoi: parsing ${goQuote(name)}: invalid syntax`);
}
