/**
 * Kubeconfig documents: made, read, merged as kubectl merges them, and resolved to what a client needs to connect. Fields that this
 * program does not know are kept, so that rewriting a user's file loses nothing.
 * @source client-go tools/clientcmd/api/v1/types.go; tools/clientcmd/loader.go
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import { PkiError } from '../errors.ts';

export interface KubeconfigCluster {
  readonly server: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'certificate-authority'?: string;
  /** Base64 of PEM. */
  readonly 'certificate-authority-data'?: string;
  readonly 'proxy-url'?: string;
  readonly 'disable-compression'?: boolean;
  readonly [field: string]: unknown;
}

export interface KubeconfigUser {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[];
  readonly username?: string;
  readonly password?: string;
  readonly [field: string]: unknown;
}

export interface KubeconfigContext {
  readonly cluster: string;
  readonly user: string;
  readonly namespace?: string;
  readonly [field: string]: unknown;
}

export interface Kubeconfig {
  readonly apiVersion: 'v1';
  readonly kind: 'Config';
  readonly clusters: readonly { readonly name: string; readonly cluster: KubeconfigCluster }[];
  readonly contexts: readonly { readonly name: string; readonly context: KubeconfigContext }[];
  readonly users: readonly { readonly name: string; readonly user: KubeconfigUser }[];
  readonly 'current-context': string;
  readonly [field: string]: unknown;
}

export interface KubeconfigEntry {
  /** Name of the cluster entry. */
  readonly cluster: string;
  readonly server: string;
  /** PEM. */
  readonly certificateAuthority: string;
  /** Name of the user entry. */
  readonly user: string;
  /** PEM pair, or a bearer token. */
  readonly credentials: { readonly certificate: string; readonly key: string } | { readonly token: string };
  /** Default: `user@cluster`, as kubeadm names it. */
  readonly context?: string;
  readonly namespace?: string;
  /** The name in the server's certificate, when it is not the one in `server`. */
  readonly tlsServerName?: string;
}

/** A document of one cluster, user and context, which is current; everything embedded. */
export function buildKubeconfig(entry: KubeconfigEntry): Kubeconfig {
  const { cluster, server, certificateAuthority, user, credentials, context = `${user}@${cluster}`, namespace, tlsServerName } = entry;
  return {
    apiVersion: 'v1',
    clusters: [
      {
        cluster: {
          'certificate-authority-data': base64(certificateAuthority),
          server,
          ...(tlsServerName !== undefined && { 'tls-server-name': tlsServerName }),
        },
        name: cluster,
      },
    ],
    contexts: [{ context: { cluster, ...(namespace !== undefined && { namespace }), user }, name: context }],
    'current-context': context,
    kind: 'Config',
    users: [
      {
        name: user,
        user:
          'token' in credentials
            ? { token: credentials.token }
            : { 'client-certificate-data': base64(credentials.certificate), 'client-key-data': base64(credentials.key) },
      },
    ],
  };
}

export function formatKubeconfig(config: Kubeconfig): string {
  return dump(config, { lineWidth: -1, noRefs: true });
}

/**
 * Reads a document; an empty one is an empty kubeconfig.
 * @throws PkiError INVALID_KUBECONFIG when it is something else; `what` names it
 */
export function parseKubeconfig(text: string, what = 'kubeconfig'): Kubeconfig {
  let document: unknown;
  try {
    document = loadAll(text)[0] ?? {};
  } catch (cause) {
    throw new PkiError('INVALID_KUBECONFIG', `${what} is not YAML: ${(cause as Error).message}`, { cause });
  }
  const invalid = (fault: string): PkiError => new PkiError('INVALID_KUBECONFIG', `${what}: ${fault}`);
  if (!isRecord(document)) throw invalid('must be an object');
  const { apiVersion = 'v1', kind = 'Config', 'current-context': current = '' } = document;
  if (apiVersion !== 'v1' || kind !== 'Config') throw invalid(`no kind ${JSON.stringify(kind)} of version ${JSON.stringify(apiVersion)}`);
  if (typeof current !== 'string') throw invalid('current-context must be a string');
  const checked = {
    ...document,
    apiVersion,
    kind,
    clusters: namedList(document, 'clusters', 'cluster', invalid),
    contexts: namedList(document, 'contexts', 'context', invalid),
    users: namedList(document, 'users', 'user', invalid),
    'current-context': current,
  };
  for (const { name, cluster } of checked.clusters)
    checkStrings(
      cluster,
      `cluster ${JSON.stringify(name)}`,
      ['server', 'certificate-authority', 'certificate-authority-data', 'tls-server-name', 'proxy-url'],
      invalid,
    );
  for (const { name, context } of checked.contexts)
    checkStrings(context, `context ${JSON.stringify(name)}`, ['cluster', 'user', 'namespace'], invalid);
  for (const { name, user } of checked.users)
    checkStrings(
      user,
      `user ${JSON.stringify(name)}`,
      [
        'client-certificate',
        'client-certificate-data',
        'client-key',
        'client-key-data',
        'token',
        'tokenFile',
        'username',
        'password',
        'as',
      ],
      invalid,
    );
  // Lists, names and the strings in them were checked one by one.
  return checked as unknown as Kubeconfig;
}

/** Joins documents as kubectl joins the files of $KUBECONFIG: of entries with one name the first wins, and so does the first current context. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  return {
    ...(Object.assign({}, ...configs.toReversed()) as Kubeconfig),
    apiVersion: 'v1',
    kind: 'Config',
    clusters: firstOfEachName(configs.flatMap(({ clusters }) => clusters)),
    contexts: firstOfEachName(configs.flatMap(({ contexts }) => contexts)),
    users: firstOfEachName(configs.flatMap(({ users }) => users)),
    'current-context': configs.map((config) => config['current-context']).find((name) => name !== '') ?? '',
  };
}

/** What a client needs to connect. */
export interface Connection {
  readonly server: string;
  /** PEM; undefined: the system's authorities. */
  readonly certificateAuthority?: string;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  readonly token?: string;
  /** Read again before each use: its content changes. */
  readonly tokenFile?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly impersonate?: { readonly user: string; readonly uid?: string; readonly groups: readonly string[] };
  readonly proxyUrl?: string;
  /** Default `default`. */
  readonly namespace: string;
}

/**
 * Resolves a context, reading the files that it names relative to `directory` (that of the kubeconfig).
 * @throws PkiError INVALID_KUBECONFIG when something that is named is missing; NOT_SUPPORTED for credential plugins
 */
export function resolveContext(config: Kubeconfig, options: { readonly context?: string; readonly directory: string }): Connection {
  const name = options.context ?? config['current-context'];
  const context = config.contexts.find((each) => each.name === name)?.context;
  if (!context)
    throw new PkiError('INVALID_KUBECONFIG', name === '' ? 'no current context is set' : `context ${JSON.stringify(name)} does not exist`);
  const cluster = config.clusters.find((each) => each.name === context.cluster)?.cluster;
  if (!cluster) throw new PkiError('INVALID_KUBECONFIG', `cluster ${JSON.stringify(context.cluster)} does not exist`);
  const user = config.users.find((each) => each.name === context.user)?.user ?? {};
  for (const plugin of ['exec', 'auth-provider']) {
    if (user[plugin] !== undefined)
      throw new PkiError('NOT_SUPPORTED', `user ${JSON.stringify(context.user)}: credentials by ${plugin} are not supported`);
  }
  const material = (entry: KubeconfigCluster | KubeconfigUser, field: string): string | undefined =>
    readMaterial(entry, field, options.directory);
  const certificateAuthority = material(cluster, 'certificate-authority');
  const certificate = material(user, 'client-certificate');
  const key = material(user, 'client-key');
  const tokenFile = user.tokenFile === undefined ? undefined : pathFrom(options.directory, user.tokenFile);
  return {
    server: cluster.server,
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] ?? false,
    namespace: context.namespace || 'default',
    ...(certificateAuthority !== undefined && { certificateAuthority }),
    ...(cluster['tls-server-name'] && { tlsServerName: cluster['tls-server-name'] }),
    ...(cluster['proxy-url'] && { proxyUrl: cluster['proxy-url'] }),
    ...(certificate !== undefined && key !== undefined && { clientCertificate: { certificate, key } }),
    ...(user.token ? { token: user.token } : tokenFile !== undefined && { tokenFile }),
    ...(user.username && { basic: { username: user.username, password: user.password ?? '' } }),
    ...(user.as && { impersonate: { user: user.as, ...(user['as-uid'] && { uid: user['as-uid'] }), groups: user['as-groups'] ?? [] } }),
  };
}

/** Embedded data, which wins, or the content of the file; undefined when neither is named. */
function readMaterial(entry: Readonly<Record<string, unknown>>, field: string, directory: string): string | undefined {
  const data = entry[`${field}-data`];
  if (typeof data === 'string' && data !== '') return Buffer.from(data, 'base64').toString();
  const path = entry[field];
  if (typeof path !== 'string' || path === '') return undefined;
  try {
    return readFileSync(pathFrom(directory, path), 'utf8');
  } catch (cause) {
    throw new PkiError('INVALID_KUBECONFIG', `unable to read ${field} ${path}: ${(cause as Error).message}`, { cause });
  }
}

function pathFrom(directory: string, path: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}

function namedList<Field extends string>(
  document: Readonly<Record<string, unknown>>,
  list: string,
  field: Field,
  invalid: (fault: string) => PkiError,
): ({ name: string } & Record<Field, Readonly<Record<string, unknown>>>)[] {
  const entries: unknown = document[list] ?? [];
  if (!Array.isArray(entries)) throw invalid(`${list} must be a list`);
  return entries.map((entry: unknown, i) => {
    if (!isRecord(entry) || typeof entry['name'] !== 'string') throw invalid(`${list}[${i}] must have a name`);
    const value = entry[field] ?? {};
    if (!isRecord(value)) throw invalid(`${list}[${i}].${field} must be an object`);
    return { ...entry, name: entry['name'], [field]: value } as { name: string } & Record<Field, Readonly<Record<string, unknown>>>;
  });
}

function checkStrings(
  value: Readonly<Record<string, unknown>>,
  what: string,
  fields: readonly string[],
  invalid: (fault: string) => PkiError,
): void {
  for (const field of fields) {
    if (value[field] !== undefined && typeof value[field] !== 'string') throw invalid(`${what}: ${field} must be a string`);
  }
}

function firstOfEachName<T extends { readonly name: string }>(entries: readonly T[]): T[] {
  return [...new Map(entries.toReversed().map((entry) => [entry.name, entry])).values()].toReversed();
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
