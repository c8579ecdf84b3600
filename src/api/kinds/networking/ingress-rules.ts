/**
 * Validation of an Ingress: hosts, paths and the backends behind them.
 * @source pkg/apis/networking/validation/validation.go, v1.35
 */
import type { FieldError } from '../../errors.ts';
import { addInvalid, invalidValue, notSupported, required } from '../../field-errors.ts';
import type { TypedLocalObjectReference } from '../../gen/core-v1.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressTLS } from '../../gen/networking-v1.ts';
import { ipErrors, parseIp } from '../../ip.ts';
import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  pathSegmentErrors,
  portNameErrors,
  portNumberErrors,
  wildcardDns1123SubdomainErrors,
} from '../../names.ts';
import type { StrategyContext } from '../../resource-definition.ts';
import { goList } from '../go-struct.ts';

/** The annotation that named a class before the field did. */
export const ingressClassAnnotation = 'kubernetes.io/ingress.class';

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const forbiddenSequences = ['//', '/./', '/../', '%2f', '%2F'];
const forbiddenEnds = ['/..', '/.'];
const notAnIp = 'must be a DNS name, not an IP address';

type NameErrors = (name: string) => string[];

export function validateIngress(ingress: Ingress, ctx: StrategyContext): FieldError[] {
  const { metadata, spec } = ingress;
  const errors = ingressErrors(ingress, serviceNameRule(ctx, undefined));
  const annotation = metadata.annotations?.[ingressClassAnnotation];
  if (annotation !== undefined && spec.ingressClassName !== undefined && annotation !== spec.ingressClassName) {
    const detail = 'must match `ingressClassName` when both are specified';
    errors.push(invalidValue(`annotations.${ingressClassAnnotation}`, annotation, detail));
  }
  return errors;
}

export function validateIngressUpdate(ingress: Ingress, old: Ingress, ctx: StrategyContext): FieldError[] {
  return ingressErrors(ingress, serviceNameRule(ctx, old));
}

export function validateIngressStatus({ status }: Ingress): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, { ip, hostname }] of (status.loadBalancer?.ingress ?? []).entries()) {
    const path = `status.loadBalancer.ingress[${i}]`;
    if (ip) errors.push(...ipErrors(`${path}.ip`, ip));
    if (!hostname) continue;
    addInvalid(errors, `${path}.hostname`, hostname, dns1123SubdomainErrors(hostname));
    if (parseIp(hostname)) errors.push(invalidValue(`${path}.hostname`, hostname, notAnIp));
  }
  return errors;
}

/** Names of services may begin with a digit only where that is switched on, or was used before. */
function serviceNameRule({ featureEnabled }: StrategyContext, old: Ingress | undefined): NameErrors {
  const isRelaxed = (name: string): boolean => dns1123LabelErrors(name).length === 0 && dns1035LabelErrors(name).length > 0;
  const before = old ? serviceNames(old) : [];
  return featureEnabled('RelaxedServiceNameValidation') || before.some(isRelaxed) ? dns1123LabelErrors : dns1035LabelErrors;
}

function serviceNames({ spec }: Ingress): string[] {
  const backends = [spec.defaultBackend, ...(spec.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend))];
  return backends.flatMap((backend) => backend?.service?.name ?? []);
}

function ingressErrors({ spec }: Ingress, nameErrors: NameErrors): FieldError[] {
  const errors: FieldError[] = [];
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  if (rules.length === 0 && !defaultBackend) {
    errors.push(invalidValue('spec', goList(spec.rules), 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend) validateBackend(defaultBackend, 'spec.defaultBackend', nameErrors, errors);
  for (const [i, rule] of rules.entries()) validateRule(rule, `spec.rules[${i}]`, nameErrors, errors);
  for (const [i, one] of tls.entries()) validateTls(one, `spec.tls[${i}]`, errors);
  if (ingressClassName !== undefined) {
    addInvalid(errors, 'spec.ingressClassName', ingressClassName, dns1123SubdomainErrors(ingressClassName));
  }
  return errors;
}

function hostErrors(host: string): string[] {
  return host.includes('*') ? wildcardDns1123SubdomainErrors(host) : dns1123SubdomainErrors(host);
}

function validateTls({ hosts = [], secretName }: IngressTLS, path: string, errors: FieldError[]): void {
  for (const [i, host] of hosts.entries()) addInvalid(errors, `${path}.hosts[${i}]`, host, hostErrors(host));
  if (secretName) addInvalid(errors, `${path}.secretName`, secretName, dns1123SubdomainErrors(secretName));
}

function validateRule({ host, http }: IngressRule, path: string, nameErrors: NameErrors, errors: FieldError[]): void {
  if (host) {
    if (parseIp(host)) errors.push(invalidValue(`${path}.host`, host, notAnIp));
    addInvalid(errors, `${path}.host`, host, hostErrors(host));
  }
  if (!http) return;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(required(`${path}.http.paths`));
  for (const [i, one] of paths.entries()) validatePath(one, `${path}.http.paths[${i}]`, nameErrors, errors);
}

function validatePath(one: Partial<HTTPIngressPath>, path: string, nameErrors: NameErrors, errors: FieldError[]): void {
  const { path: text = '', pathType, backend = {} } = one;
  const at = `${path}.path`;
  switch (pathType) {
    case undefined:
      errors.push(required(`${path}.pathType`, 'pathType must be specified'));
      return;
    case 'Exact':
    case 'Prefix':
      if (!text.startsWith('/')) errors.push(invalidValue(at, text, 'must be an absolute path'));
      for (const sequence of forbiddenSequences) {
        if (text.includes(sequence)) errors.push(invalidValue(at, text, `must not contain '${sequence}'`));
      }
      for (const end of forbiddenEnds) if (text.endsWith(end)) errors.push(invalidValue(at, text, `cannot end with '${end}'`));
      break;
    case 'ImplementationSpecific':
      if (text !== '' && !text.startsWith('/')) errors.push(invalidValue(at, text, 'must be an absolute path'));
      break;
    default:
      errors.push(notSupported(`${path}.pathType`, pathType, pathTypes));
  }
  validateBackend(backend, `${path}.backend`, nameErrors, errors);
}

function validateBackend({ resource, service }: IngressBackend, path: string, nameErrors: NameErrors, errors: FieldError[]): void {
  if (resource && service) errors.push(invalidValue(path, '', 'cannot set both resource and service backends'));
  else if (resource) validateReference(resource, `${path}.resource`, errors);
  else if (service) validateService(service, path, nameErrors, errors);
  else errors.push(invalidValue(path, '', 'resource or service backend is required'));
}

function validateService(service: Partial<IngressServiceBackend>, path: string, nameErrors: NameErrors, errors: FieldError[]): void {
  const { name, port } = service;
  if (!name) errors.push(required(`${path}.service.name`));
  else addInvalid(errors, `${path}.service.name`, name, nameErrors(name));
  if (port?.name && port.number) errors.push(invalidValue(path, '', 'cannot set both port name & port number'));
  else if (port?.name) addInvalid(errors, `${path}.service.port.name`, port.name, portNameErrors(port.name));
  else if (port?.number) addInvalid(errors, `${path}.service.port.number`, port.number, portNumberErrors(port.number));
  else errors.push(required(path, 'port name or number is required'));
}

/** A reference to an object that is told by group, kind and name. */
export function validateReference({ apiGroup, kind, name }: Partial<TypedLocalObjectReference>, path: string, errors: FieldError[]): void {
  if (apiGroup !== undefined) addInvalid(errors, `${path}.apiGroup`, apiGroup, dns1123SubdomainErrors(apiGroup));
  for (const [field, value] of [
    ['kind', kind],
    ['name', name],
  ] as const) {
    if (!value) errors.push(required(`${path}.${field}`));
    else addInvalid(errors, `${path}.${field}`, value, pathSegmentErrors(value));
  }
}
