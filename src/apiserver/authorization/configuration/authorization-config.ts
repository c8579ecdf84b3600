/**
 * The file of `--authorization-config`: the authorizers, with the webhooks among them. Everything that is wrong with it is told; CEL
 * expressions are refused by the name of their field.
 * @source apiserver pkg/apis/apiserver/{v1/defaults,validation/validation}.go, kubernetes pkg/kubeapiserver/authorizer/config.go, v1.35
 */
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { dns1123SubdomainErrors, fieldErrors, type FieldError, formatDuration } from '../../../api/index.ts';
import { parseYaml, YamlSyntaxError } from '../../../api/yaml/index.ts';
import { type ConfigNode, ConfigReader } from '../../configuration/index.ts';
import { joinedErrors } from '../rules.ts';
import { reviewVersions } from '../webhook/access-review.ts';
import { type ConfiguredAuthorizer, type ConfiguredWebhook, nameOfMode } from './authorizers.ts';

/** The file cannot be used; the message tells every fault. */
export class AuthorizationConfigError extends Error {
  override readonly name = 'AuthorizationConfigError';
}

const group = 'apiserver.config.k8s.io';
const versions = [`${group}/v1`, `${group}/v1beta1`];
const knownTypes = ['ABAC', 'AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'];
const maxTimeoutMs = 30_000;
const maxConditions = 64;
const connectionTypes = ['InClusterConfig', 'KubeConfigFile'];

const { duplicate, forbidden, invalidValue, notSupported, required, tooMany } = fieldErrors;

/** @throws AuthorizationConfigError */
export function readAuthorizationConfig(text: string): readonly ConfiguredAuthorizer[] {
  const reader = new ConfigReader(parseDocument(text));
  const root = reader.object('', ['apiVersion', 'kind', 'authorizers']);
  const { apiVersion, kind } = root.value;
  if (kind !== 'AuthorizationConfiguration' || typeof apiVersion !== 'string' || !versions.includes(apiVersion)) {
    throw notLoaded(`no AuthorizationConfiguration of ${versions.join(' or ')}: ${String(kind)} of ${String(apiVersion)}`);
  }
  const entries = root.list('authorizers');
  if (entries.length === 0) root.fault(() => required('authorizers', 'at least one authorization mode must be defined'));
  const seen: Seen = { types: new Set(), names: new Set() };
  const authorizers = entries.flatMap((entry) => readAuthorizer(entry, seen) ?? []);
  if (reader.unknown.length > 0) {
    throw notLoaded(`strict decoding error: ${reader.unknown.map((path) => `unknown field "${path}"`).join(', ')}`);
  }
  throwIfAny(reader.errors.map(({ field, message }) => `${field}: ${message}`));
  throwIfAny(authorizers.flatMap(nameFault));
  return authorizers;
}

function throwIfAny(faults: readonly string[]): void {
  if (faults.length > 0) throw new AuthorizationConfigError(joinedErrors(faults));
}

function notLoaded(why: string, options?: ErrorOptions): AuthorizationConfigError {
  return new AuthorizationConfigError(`failed to load AuthorizationConfiguration from file: ${why}`, options);
}

function parseDocument(text: string): unknown {
  try {
    return parseYaml(text).value;
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw notLoaded(error.message, { cause: error });
    throw error;
  }
}

/** Only webhooks may be called as one likes. */
function nameFault({ type, name }: ConfiguredAuthorizer): string[] {
  if (type === 'Webhook' || name === nameOfMode(type)) return [];
  return [`expected name ${nameOfMode(type)} for authorizer ${type} instead of ${name}`];
}

interface Seen {
  readonly types: Set<string>;
  readonly names: Set<string>;
}

/** Undefined when its type is wrong: nothing more can be said then. */
function readAuthorizer(entry: ConfigNode, seen: Seen): ConfiguredAuthorizer | undefined {
  entry.only(['type', 'name', 'webhook']);
  const [type, name] = [entry.text('type'), entry.text('name')];
  const typeFault = typeFaultOf(type, seen);
  if (typeFault) {
    entry.fault((path) => typeFault(`${path}.type`));
    return undefined;
  }
  seen.types.add(type);
  checkName(entry, name, seen);
  seen.names.add(name);
  const hasWebhook = entry.value['webhook'] !== undefined && entry.value['webhook'] !== null;
  if (type !== 'Webhook') {
    if (hasWebhook) entry.fault((path) => invalidValue(`${path}.webhook`, 'non-null', 'may only be specified when type=Webhook'));
    return { type, name };
  }
  if (!hasWebhook) {
    entry.fault((path) => required(`${path}.webhook`, 'required when type=Webhook'));
    return undefined;
  }
  const webhook = readWebhook(entry.child('webhook', webhookFields));
  return { type, name, webhook };
}

function typeFaultOf(type: string, { types }: Seen): ((path: string) => FieldError) | undefined {
  if (type === '') return (path) => required(path);
  if (!knownTypes.includes(type)) return (path) => notSupported(path, type, knownTypes);
  if (type === 'ABAC') return (path) => forbidden(path, 'ABAC is not supported');
  if (type !== 'Webhook' && types.has(type)) return (path) => duplicate(path, type);
  return undefined;
}

function checkName(entry: ConfigNode, name: string, { names }: Seen): void {
  if (name === '') return entry.fault((path) => required(`${path}.name`));
  if (names.has(name)) return entry.fault((path) => duplicate(`${path}.name`, name));
  const faults = dns1123SubdomainErrors(name);
  if (faults.length > 0) {
    entry.fault((path) => invalidValue(`${path}.name`, name, `authorizer name is invalid: ${faults.join(', ')}`));
  }
}

const webhookFields = [
  'authorizedTTL',
  'cacheAuthorizedRequests',
  'unauthorizedTTL',
  'cacheUnauthorizedRequests',
  'timeout',
  'subjectAccessReviewVersion',
  'matchConditionSubjectAccessReviewVersion',
  'failurePolicy',
  'connectionInfo',
  'matchConditions',
];

function readWebhook(webhook: ConfigNode): ConfiguredWebhook {
  const timeoutMs = webhook.durationMs('timeout') ?? 0;
  if (timeoutMs === 0) webhook.fault((path) => required(`${path}.timeout`));
  else if (timeoutMs < 0 || timeoutMs > maxTimeoutMs) {
    webhook.fault((path) => invalidValue(`${path}.timeout`, formatDuration(timeoutMs), 'must be > 0s and <= 30s'));
  }
  const authorizedMs = readLife(webhook, { life: 'authorizedTTL', cached: 'cacheAuthorizedRequests', otherwiseMs: 300_000 });
  const unauthorizedMs = readLife(webhook, { life: 'unauthorizedTTL', cached: 'cacheUnauthorizedRequests', otherwiseMs: 30_000 });
  const version = readChoice(webhook, 'subjectAccessReviewVersion', reviewVersions);
  readConditions(webhook);
  const failure = readChoice(webhook, 'failurePolicy', ['NoOpinion', 'Deny'] as const);
  return {
    kubeconfigFile: readConnection(webhook.child('connectionInfo', ['type', 'kubeConfigFile'])),
    timeoutMs,
    version,
    authorizedMs,
    unauthorizedMs,
    onFailure: failure === 'Deny' ? 'deny' : 'no-opinion',
  };
}

/** How long verdicts are believed; 0 when they are not to be. */
function readLife(
  webhook: ConfigNode,
  { life, cached, otherwiseMs }: { readonly life: string; readonly cached: string; readonly otherwiseMs: number },
): number {
  // Nothing said and nought mean the same, as upstream's defaults have it.
  const lifeMs = webhook.durationMs(life) || otherwiseMs;
  if (lifeMs < 0) webhook.fault((path) => invalidValue(`${path}.${life}`, formatDuration(lifeMs), 'must be > 0s'));
  return (webhook.flag(cached) ?? true) ? lifeMs : 0;
}

/** One of the words; the first when it is none of them, which is a fault. */
function readChoice<W extends string>(node: ConfigNode, field: string, words: readonly [W, ...W[]]): W {
  const text = node.text(field);
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  node.fault((path) => (text === '' ? required(`${path}.${field}`) : notSupported(`${path}.${field}`, text, words)));
  return words[0];
}

function readConditions(webhook: ConfigNode): void {
  const conditions = webhook.list('matchConditions');
  const version = webhook.text('matchConditionSubjectAccessReviewVersion');
  const field = 'matchConditionSubjectAccessReviewVersion';
  if (version === '' && conditions.length > 0) {
    webhook.fault((path) => required(`${path}.${field}`, 'required if match conditions are specified'));
  }
  if (version !== '' && version !== 'v1') webhook.fault((path) => notSupported(`${path}.${field}`, version, ['v1']));
  if (conditions.length > maxConditions) {
    webhook.fault((path) => tooMany(`${path}.matchConditions`, conditions.length, maxConditions));
    return;
  }
  for (const condition of conditions) {
    const expression = condition.only(['expression']).text('expression');
    condition.fault((path) =>
      expression.trim() === '' ? required(`${path}.expression`) : forbidden(`${path}.expression`, 'CEL expressions are not supported'),
    );
  }
}

/** The kubeconfig file's path. */
function readConnection(connection: ConfigNode): string {
  const type = connection.text('type');
  const file = connection.text('kubeConfigFile');
  if (type === '') connection.fault((path) => required(`${path}.type`));
  else if (!connectionTypes.includes(type)) connection.fault((path) => notSupported(`${path}.type`, type, connectionTypes));
  else if (type === 'InClusterConfig') {
    connection.fault((path) => forbidden(`${path}.type`, 'InClusterConfig is not supported: the API server is no pod of its cluster'));
    if (file !== '') {
      connection.fault((path) => invalidValue(`${path}.kubeConfigFile`, file, 'can only be set when type=KubeConfigFile'));
    }
  } else if (file === '') connection.fault((path) => required(`${path}.kubeConfigFile`));
  else {
    const fault = fileFault(file);
    if (fault !== undefined) connection.fault((path) => invalidValue(`${path}.kubeConfigFile`, file, fault));
  }
  return file;
}

function fileFault(file: string): string | undefined {
  if (!isAbsolute(file)) return 'must be an absolute path';
  try {
    return statSync(file).isFile() ? undefined : 'must be a regular file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `error loading file: stat ${file}: ${code === 'ENOENT' ? 'no such file or directory' : (error as Error).message}`;
  }
}
