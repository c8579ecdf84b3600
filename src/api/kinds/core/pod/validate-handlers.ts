/** Probes and life-cycle hooks of a container. @source pkg/apis/core/validation/validation.go validateProbe, validateHandler, v1.35 */
import type { FieldError } from '../../../errors.ts';
import { addInvalid, addUnsupported, forbidden, invalidValue, required } from '../../../field-errors.ts';
import type { Container, GRPCAction, HTTPGetAction, LifecycleHandler, Probe } from '../../../gen/core-v1.ts';
import { httpHeaderNameErrors } from '../../../names.ts';
import { portNumberOrNameErrors } from '../port-rules.ts';

type Handler = LifecycleHandler & { readonly grpc?: GRPCAction };

/** The lifecycle and the three probes of a container that may have them. */
export function validateHandlers(
  container: Container,
  rule: { readonly path: string; readonly gracePeriod: number | undefined },
  errors: FieldError[],
): void {
  const { path, gracePeriod } = rule;
  const { lifecycle } = container;
  if (lifecycle?.postStart) validateHandler(lifecycle.postStart, { path: `${path}.lifecycle.postStart`, gracePeriod }, errors);
  if (lifecycle?.preStop) validateHandler(lifecycle.preStop, { path: `${path}.lifecycle.preStop`, gracePeriod }, errors);
  const { livenessProbe, readinessProbe, startupProbe } = container;
  if (livenessProbe) validateProbe(livenessProbe, { path: `${path}.livenessProbe`, gracePeriod, onlyOneSuccess: true }, errors);
  if (readinessProbe) {
    const at = `${path}.readinessProbe`;
    validateProbe(readinessProbe, { path: at, gracePeriod, onlyOneSuccess: false }, errors);
    if (readinessProbe.terminationGracePeriodSeconds !== undefined) {
      errors.push(
        invalidValue(
          `${at}.terminationGracePeriodSeconds`,
          readinessProbe.terminationGracePeriodSeconds,
          'must not be set for readinessProbes',
        ),
      );
    }
  }
  if (startupProbe) validateProbe(startupProbe, { path: `${path}.startupProbe`, gracePeriod, onlyOneSuccess: true }, errors);
}

const probeNumbers = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const;

function validateProbe(
  probe: Probe,
  rule: { readonly path: string; readonly gracePeriod: number | undefined; readonly onlyOneSuccess: boolean },
  errors: FieldError[],
): void {
  const { path } = rule;
  validateHandler(probe, rule, errors);
  for (const field of probeNumbers) {
    const value = probe[field] ?? 0;
    if (value < 0) errors.push(invalidValue(`${path}.${field}`, value, 'must be greater than or equal to 0'));
  }
  const own = probe.terminationGracePeriodSeconds;
  if (own !== undefined && own <= 0) errors.push(invalidValue(`${path}.terminationGracePeriodSeconds`, own, 'must be greater than 0'));
  if (rule.onlyOneSuccess && probe.successThreshold !== 1) {
    errors.push(invalidValue(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
  }
}

function validateHandler(
  handler: Handler,
  rule: { readonly path: string; readonly gracePeriod: number | undefined },
  errors: FieldError[],
): void {
  const { path, gracePeriod } = rule;
  let found = false;
  /** Whether this handler is the first; a second is refused. */
  const first = (name: string): boolean => {
    if (found) errors.push(forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'));
    const isFirst = !found;
    found = true;
    return isFirst;
  };
  if (handler.exec && first('exec') && !handler.exec.command?.length) errors.push(required(`${path}.exec.command`));
  if (handler.httpGet && first('httpGet')) validateHttpGet(handler.httpGet, `${path}.httpGet`, errors);
  if (handler.tcpSocket && first('tcpSocket'))
    errors.push(...portNumberOrNameErrors(`${path}.tcpSocket.port`, handler.tcpSocket.port ?? 0));
  if (handler.grpc && first('grpc')) errors.push(...portNumberOrNameErrors(`${path}.grpc.port`, handler.grpc.port ?? 0));
  if (handler.sleep && first('sleep') && gracePeriod !== undefined) {
    const seconds = handler.sleep.seconds ?? 0;
    if (seconds < 0 || seconds > gracePeriod) {
      const detail = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`;
      errors.push(invalidValue(`${path}.sleep`, seconds, detail));
    }
  }
  if (!found) errors.push(required(path, 'must specify a handler type'));
}

function validateHttpGet(get: HTTPGetAction, path: string, errors: FieldError[]): void {
  if (!get.path) errors.push(required(`${path}.path`));
  errors.push(...portNumberOrNameErrors(`${path}.port`, get.port ?? 0));
  addUnsupported(errors, `${path}.scheme`, get.scheme ?? '', ['HTTP', 'HTTPS']);
  for (const { name } of get.httpHeaders ?? []) addInvalid(errors, `${path}.httpHeaders`, name, httpHeaderNameErrors(name));
}
