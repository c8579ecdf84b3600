/**
 * HAProxy's configuration for one node, as text: what is fixed stands here with its reason, what Ingresses say stands in maps and
 * certificates beside it. Every value has been through `route-keys` and its like: only names, addresses and URL characters arrive here. Pure.
 */
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Certificate, IngressPlan, MapName } from './plan.ts';
import { unavailable } from './plan.ts';
import type { Backend, BackendProtocol } from './service-backend.ts';
import type { Slots } from './server-slots.ts';

export interface ServerSettings {
  /** The node's own addresses. */
  readonly addresses: readonly string[];
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Where `/metrics` and `/healthz` are answered. */
  readonly metricsPort: number;
  /** Files stand here; private. */
  readonly directory: string;
  /** The socket on which the running server takes orders. */
  readonly socket: string;
  readonly threads: number;
  readonly maxConnections: number;
}

export interface ServerState {
  readonly plan: Pick<IngressPlan, 'backends' | 'maps' | 'certificates'>;
  readonly slotsOf: (backend: string) => Slots;
  /** Tells a running server from the one before it, and what it was made for. */
  readonly generation: string;
}

/** @source the ids of `nobody`, which every Linux has */
const nobody = 65_534;

export function mapFile({ directory }: Pick<ServerSettings, 'directory'>, name: MapName): string {
  return join(directory, `${name}.map`);
}

/** All files by name, the configuration first. */
export function renderFiles(settings: ServerSettings, state: ServerState): Map<string, string> {
  const files = new Map([['haproxy.cfg', renderConfig(settings, state)]]);
  for (const [name, entries] of Object.entries(state.plan.maps)) files.set(`${name}.map`, renderMap(entries));
  for (const { name, pem } of state.plan.certificates) files.set(`certificates/${name}.pem`, pem);
  files.set('certificates.list', renderCertificateList(settings, state.plan.certificates));
  return files;
}

export function renderMap(entries: ReadonlyMap<string, string>): string {
  return [...entries].map(([key, value]) => `${key} ${value}\n`).join('');
}

function renderCertificateList({ directory }: ServerSettings, certificates: readonly Certificate[]): string {
  return certificates.map(({ name, hosts }) => `${join(directory, 'certificates', `${name}.pem`)} ${hosts.join(' ')}\n`).join('');
}

function renderConfig(settings: ServerSettings, state: ServerState): string {
  return `${renderGlobal(settings, state)}
${defaults}
${renderFrontend(settings)}
${renderMetrics(settings)}
backend unmatched
    http-request return status 404 content-type "text/plain; charset=utf-8" string "default backend - 404"

# Without a server: answers 503.
backend ${unavailable}
${[...state.plan.backends.values()].map((backend) => renderBackend(backend, state.slotsOf(backend.id))).join('')}`;
}

function renderGlobal({ socket, threads, maxConnections }: ServerSettings, { generation }: ServerState): string {
  return `# Written by Knarr; changes are lost.
global
    description ${generation}
    log stdout format raw daemon err
    stats socket ${socket} mode 600 level admin expose-fd listeners
    maxconn ${maxConnections}
    nbthread ${threads}
    # A server that was replaced lives on until its last connection ends, but not for ever, and not as one of many.
    hard-stop-after 1h
    mworker-max-reloads 20
    # Workers need no rights once they have read their files.
    uid ${nobody}
    gid ${nobody}
    # Room for 31 KiB of request line and headers.
    tune.bufsize 32768
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305`;
}

const defaults = `
defaults
    mode http
    log global
    # Only what fails is logged.
    option httplog
    option dontlognull
    option dontlog-normal
    option log-separate-errors
    # A name with an underscore is another name to some applications: X_Forwarded_For must not pass for X-Forwarded-For.
    option http-restrict-req-hdr-names delete
    # An endpoint that is gone before we hear of it: the next one is tried.
    option redispatch 1
    retries 3
    retry-on conn-failure empty-response
    http-reuse safe
    # A server that is replaced ends an idle connection with its next answer: cut at once, it could be cut under a request.
    option idle-close-on-response
    # Room for one lost packet. Endpoints that are gone are found out so soon.
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    # Whoever sends headers byte by byte holds a connection no longer than this.
    timeout http-request 10s
    # A server that was replaced knows nothing new: how long the last question of an idle connection may still come to it.
    timeout http-keep-alive 10s
    timeout client-fin 30s
    timeout tunnel 1h
    default-server pool-purge-delay 5s`;

function renderFrontend(settings: ServerSettings): string {
  const { addresses, httpPort, httpsPort, directory } = settings;
  const map = (name: MapName): string => mapFile(settings, name);
  const certificates = `crt ${join(directory, 'default.pem')} crt-list ${join(directory, 'certificates.list')}`;
  const binds = addresses.map(
    (address) => `    bind ${authority(address, httpPort)}
    bind ${authority(address, httpsPort)} ssl ${certificates} alpn h2,http/1.1
`,
  );
  return `
frontend ingress
${binds.join('')}\
    # A path that climbs is another path to the backend than to the routes below.
    http-request deny deny_status 400 if { path,url_dec -m sub /../ } || { path,url_dec -m end /.. }
    http-request set-var(txn.host) req.hdr(host),field(1,:),rtrim(.),lower
    http-request set-var(txn.path) path
    # The host: its own name, its parent's wildcard, none.
    http-request set-var(txn.site) var(txn.host),map_str(${map('sites')})
    http-request set-var(txn.site) var(txn.host),regsub(^[a-z0-9_-]+[.],*.),map_str(${map('sites')}) if !{ var(txn.site) -m found }
    http-request set-var(txn.site) str(*) if !{ var(txn.site) -m found }
    # The path: exact, the longest prefix, the default backend of the host, that of all.
    http-request set-var(txn.target) var(txn.site),concat(,txn.path),map_str(${map('exact')})
    http-request set-var(txn.target) var(txn.site),concat(,txn.path,/),map_beg(${map('prefix')}) if !{ var(txn.target) -m found }
    http-request set-var(txn.target) var(txn.site),map_str(${map('defaults')}) if !{ var(txn.target) -m found }
    http-request set-var(txn.target) str(*),map_str(${map('defaults')}) if !{ var(txn.target) -m found }
    http-request redirect location https://%[var(txn.host)]%[pathq] code 308 if !{ ssl_fc } { var(txn.target) -m beg 1: }
    # Whatever clients claim of these, the backend hears what is true.
    http-request del-header Forwarded
    http-request del-header Proxy
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header X-Forwarded-Port %[dst_port]
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Proto https if { ssl_fc }
    http-request set-header X-Forwarded-Scheme %[req.hdr(x-forwarded-proto)]
    http-request set-header X-Scheme %[req.hdr(x-forwarded-proto)]
    http-request set-header X-Request-ID %[uuid()] unless { req.hdr(x-request-id) -m found }
    # Only what may be done twice is sent again when a connection broke.
    http-request disable-l7-retry unless { method GET HEAD OPTIONS }
    use_backend %[var(txn.target),field(2,:)] if { var(txn.target) -m found }
    default_backend unmatched`;
}

function renderMetrics({ addresses, metricsPort }: ServerSettings): string {
  return `
frontend metrics
${addresses.map((address) => `    bind ${authority(address, metricsPort)}\n`).join('')}\
    http-request use-service prometheus-exporter if { path /metrics }
    http-request return status 200 content-type "text/plain; charset=utf-8" string ok if { path /healthz }
    http-request return status 404
`;
}

/** What the server speaks to pods; their certificates name nobody that could be checked. */
const serverOptions: Readonly<Record<BackendProtocol, string>> = { http1: '', h2c: ' proto h2', https: ' ssl verify none' };

function renderBackend({ id, protocol }: Backend, slots: Slots): string {
  const servers = slots.map((endpoint, i) => `    server ${slotName(i)} ${serverAddress(endpoint)}${serverOptions[protocol]}`);
  return `
backend ${id}
    balance roundrobin
${servers.map((server, i) => `${server}${slots[i] === undefined ? ' disabled' : ''}\n`).join('')}`;
}

export function slotName(index: number): string {
  return `s${index + 1}`;
}

function serverAddress(endpoint: string | undefined): string {
  if (endpoint === undefined) return '0.0.0.0:1';
  const [address = '', port] = endpoint.split(' ');
  return authority(address, Number(port));
}

function authority(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
