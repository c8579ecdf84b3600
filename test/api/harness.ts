/**
 * An API server for tests: memory store, loopback TLS, one authority for everyone. Tests of other rooms use it too; each test file
 * starts its own server and closes it.
 */
import { builtinResources } from '../../src/api/kinds/index.ts';
import { corev1Resources, isApiError, type JsonObject } from '../../src/api/index.ts';
import {
  type ApiServer,
  type ApiServerConfig,
  createApiServer,
  type ExtensionFactory,
  standardExtensions,
  type StandardExtensionOptions,
  type UserInfo,
} from '../../src/apiserver/index.ts';
import { silentLogger, systemClock, systemRandom } from '../../src/base/index.ts';
import { type Client, createClient, createHttpsTransport, type Transport } from '../../src/client/index.ts';
import { createMemoryStore, type Store } from '../../src/store/index.ts';
import { createTestAuthority, type KeyPair, type TestAuthority } from './certificates.ts';
import { type HttpAnswer, type HttpOptions, RawHttp } from './raw-http.ts';

export const adminUser: UserInfo = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly store: Store;
  readonly port: number;
  readonly authority: TestAuthority;
  readonly admin: KeyPair;
  /** The administrator, in-process. */
  readonly client: Client;
  /** The administrator over TLS. */
  readonly httpsTransport: () => Transport;
  /** One request as the administrator; bodies that are not text are sent as JSON. */
  http(method: string, path: string, body?: unknown, options?: HttpOptions): Promise<HttpAnswer>;
  /** A kubeconfig of the administrator. */
  kubeconfig(): string;
  close(): Promise<void>;
}

let authority: Promise<TestAuthority> | undefined;

/** @param options.namespaces made before the test begins; default: `default` */
export async function startTestServer(
  options: Partial<ApiServerConfig> & { readonly namespaces?: readonly string[] } = {},
): Promise<TestServer> {
  const { namespaces = ['default'], ...config } = options;
  authority ??= createTestAuthority();
  const ca = await authority;
  const admin = await ca.client({ name: adminUser.name, groups: ['system:masters'] });
  const store = config.store ?? createMemoryStore({ clock: config.clock ?? systemClock });
  const server = await createApiServer({
    resources: builtinResources,
    log: silentLogger,
    freezeObjects: true,
    tls: { ...ca.server, clientCa: ca.ca },
    extensions: testExtensions(),
    ...config,
    store,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = createClient(server.transport(adminUser));
  const { signal } = new AbortController();
  for (const name of namespaces) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} } as const;
    await client.create(corev1Resources.namespaces, namespace, { signal }).catch((error: unknown) => {
      // Those of the default policy's roles are there.
      if (!isApiError(error, 'AlreadyExists')) throw error;
    });
  }
  const raw = new RawHttp({ port, ca: ca.ca });
  const close = async (): Promise<void> => {
    await server.close();
    raw.close();
    await store.close();
  };
  return {
    server,
    store,
    port,
    authority: ca,
    admin,
    client,
    httpsTransport: () =>
      createHttpsTransport({
        server: `https://127.0.0.1:${port}`,
        ca: ca.ca,
        cert: admin.cert,
        key: admin.key,
        clock: systemClock,
        random: systemRandom,
        log: silentLogger,
      }),
    http: (method, path, body, httpOptions) => raw.request(method, path, body, { identity: admin, ...httpOptions }),
    kubeconfig: () => kubeconfigOf(port, ca, admin),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What a cluster has, but for ServiceAccounts, whose controller does not run here. `options` are what a test has otherwise. */
export function testExtensions(options: Partial<StandardExtensionOptions> = {}): ExtensionFactory[] {
  return standardExtensions({
    serverAddress: () => '127.0.0.1:6443',
    version: { knarrVersion: '0.0.0-test' },
    admission: { disabled: ['ServiceAccount'] },
    ...options,
  });
}

function kubeconfigOf(port: number, ca: TestAuthority, admin: KeyPair): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const config: JsonObject = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': base64(ca.ca) } }],
    users: [{ name: 'admin', user: { 'client-certificate-data': base64(admin.cert), 'client-key-data': base64(admin.key) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  };
  return JSON.stringify(config);
}
