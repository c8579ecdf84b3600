/**
 * What all Ingresses together mean: which request goes to which backend, with which certificate, and what is wrong with whom. Pure; what one
 * Ingress gets wrong costs that Ingress only.
 * A host is decided first (its own name, then `*.` of its parent, then no name), then the path: exact before prefix, the longest prefix,
 * then the default backend of an Ingress of that host, then the default backend of an Ingress without a host.
 * @source Kubernetes documentation, Ingress: path types, multiple matches, hostname wildcards, default backend
 */
import type { corev1, networkingv1 } from '../api/index.ts';
import { anyHost, exactKey, prefixKey, requestPath, siteOf } from './route-keys.ts';
import { type Backend, findBackend } from './service-backend.ts';
import { readTlsSecret, type TlsPair } from './tls-secret.ts';

type Ingress = networkingv1.Ingress;

export interface PlanInput {
  /** Ours only, the oldest first. */
  readonly ingresses: readonly Ingress[];
  readonly serviceOf: (namespace: string, name: string) => corev1.Service | undefined;
  readonly secretOf: (namespace: string, name: string) => corev1.Secret | undefined;
}

/** Where requests go: a backend's id behind `1:` when plain HTTP is sent to HTTPS first, `0:` otherwise. */
export type Target = string;

export interface Certificate {
  /** `namespace_secret`, which is its file's name too. */
  readonly name: string;
  readonly pem: string;
  /** Names that clients ask for it by. */
  readonly hosts: readonly string[];
}

export interface Problem {
  readonly ingress: Ingress;
  readonly reason: string;
  readonly message: string;
}

/** The maps that a request is looked up in, in this order. */
export const mapNames = ['sites', 'exact', 'prefix', 'defaults'] as const;
export type MapName = (typeof mapNames)[number];

export interface IngressPlan {
  readonly backends: ReadonlyMap<string, Backend>;
  readonly maps: Readonly<Record<MapName, ReadonlyMap<string, string>>>;
  readonly certificates: readonly Certificate[];
  readonly problems: readonly Problem[];
}

/** The backend of routes that lead nowhere: it answers 503. */
export const unavailable = 'unavailable';

const annotationPrefix = 'nginx.ingress.kubernetes.io/';
/** The one annotation that is read: `false` keeps plain HTTP where there is TLS. */
export const sslRedirectAnnotation = `${annotationPrefix}ssl-redirect`;

export function planIngresses(input: PlanInput): IngressPlan {
  const planner = new Planner(input);
  for (const ingress of input.ingresses) planner.addTls(ingress);
  for (const ingress of input.ingresses) planner.addRoutes(ingress);
  return planner.plan();
}

/** The Secrets that the Ingresses name, as `namespace/name`. */
export function namedSecrets(ingresses: readonly Ingress[]): Set<string> {
  return new Set(
    ingresses.flatMap(({ metadata, spec }) =>
      (spec.tls ?? []).flatMap(({ secretName }) => (secretName ? [`${metadata.namespace}/${secretName}`] : [])),
    ),
  );
}

class Planner {
  readonly #input: PlanInput;
  readonly #backends = new Map<string, Backend>();
  readonly #maps: Record<MapName, Map<string, string>> = { sites: new Map(), exact: new Map(), prefix: new Map(), defaults: new Map() };
  /** Map and key → who has it. */
  readonly #owners = new Map<string, Ingress>();
  readonly #pairs = new Map<string, TlsPair | undefined>();
  readonly #certificates = new Map<string, { readonly pem: string; readonly hosts: string[] }>();
  /** Host → the certificate it has; undefined: the default one. */
  readonly #tlsHosts = new Map<string, { readonly certificate: string | undefined; readonly ingress: Ingress }>();
  readonly #problems: Problem[] = [];

  constructor(input: PlanInput) {
    this.#input = input;
  }

  plan(): IngressPlan {
    const certificates = [...this.#certificates].flatMap(([name, { pem, hosts }]) => (hosts.length > 0 ? [{ name, pem, hosts }] : []));
    return { backends: this.#backends, maps: this.#maps, certificates, problems: this.#problems };
  }

  addTls(ingress: Ingress): void {
    for (const { hosts = [], secretName } of ingress.spec.tls ?? []) {
      const certificate = secretName ? this.#certificate(ingress, secretName) : undefined;
      for (const host of hosts.length > 0 ? hosts : this.#coveredHosts(ingress, certificate)) {
        const site = siteOf(host);
        if (site === undefined) this.#problem(ingress, 'InvalidHost', `TLS host ${JSON.stringify(host)} is not a host name`);
        else this.#claimTls(ingress, site, certificate);
      }
    }
  }

  #claimTls(ingress: Ingress, site: string, certificate: string | undefined): void {
    const before = this.#tlsHosts.get(site);
    if (before) {
      if (before.certificate !== certificate)
        this.#problem(ingress, 'Conflict', `host ${JSON.stringify(site)} has its certificate from Ingress ${nameOf(before.ingress)}`);
      return;
    }
    this.#tlsHosts.set(site, { certificate, ingress });
    if (certificate !== undefined) this.#certificates.get(certificate)!.hosts.push(site);
  }

  /** A Secret for which no hosts are named serves the Ingress's own hosts that its certificate is for. */
  #coveredHosts({ spec }: Ingress, certificate: string | undefined): string[] {
    if (certificate === undefined) return [];
    const pair = this.#pairs.get(certificate);
    const sites = (spec.rules ?? []).flatMap(({ host }) => (host ? (siteOf(host) ?? []) : []));
    return sites.filter((site) => pair?.type === 'pair' && pair.certificate.checkHost(site.replace(/^\*\./, 'any.')) !== undefined);
  }

  /** The certificate's name when it can be used; says what is wrong with it otherwise. */
  #certificate(ingress: Ingress, secretName: string): string | undefined {
    const namespace = ingress.metadata.namespace ?? '';
    const name = `${namespace}_${secretName}`;
    if (!this.#pairs.has(name)) {
      const secret = this.#input.secretOf(namespace, secretName);
      this.#pairs.set(name, secret && readTlsSecret(secret));
    }
    const pair = this.#pairs.get(name);
    if (pair?.type === 'pair') {
      if (!this.#certificates.has(name)) this.#certificates.set(name, { pem: pair.pem, hosts: [] });
      return name;
    }
    const what = pair ? pair.message : 'does not exist';
    this.#problem(
      ingress,
      'InvalidCertificate',
      `Secret ${JSON.stringify(`${namespace}/${secretName}`)} ${what}: the default certificate is used`,
    );
    return undefined;
  }

  addRoutes(ingress: Ingress): void {
    const { spec } = ingress;
    this.#refuseAnnotations(ingress);
    const sites = new Set<string>();
    for (const { host, http } of spec.rules ?? []) {
      const site = host ? siteOf(host) : anyHost;
      if (site === undefined) {
        this.#problem(ingress, 'InvalidHost', `host ${JSON.stringify(host)} is not a host name`);
        continue;
      }
      sites.add(site);
      if (site !== anyHost) this.#maps.sites.set(site, site);
      for (const { path = '', pathType, backend } of http?.paths ?? []) {
        const asked = requestPath(path);
        if (asked === undefined) this.#problem(ingress, 'InvalidPath', `path ${JSON.stringify(path)} cannot be requested`);
        else if (pathType === 'Exact') this.#route(ingress, { map: 'exact', site, key: exactKey(site, asked), path }, backend);
        else this.#route(ingress, { map: 'prefix', site, key: prefixKey(site, asked), path }, backend);
      }
    }
    if (!spec.defaultBackend) return;
    if (sites.size === 0 && (spec.rules ?? []).length === 0) sites.add(anyHost);
    for (const site of sites) this.#route(ingress, { map: 'defaults', site, key: site, path: undefined }, spec.defaultBackend);
  }

  #route(
    ingress: Ingress,
    { map, site, key, path }: { readonly map: MapName; readonly site: string; readonly key: string; readonly path: string | undefined },
    wanted: networkingv1.IngressBackend,
  ): void {
    const owner = this.#owners.get(`${map} ${key}`);
    const where = `host ${JSON.stringify(site)}${path === undefined ? '' : ` path ${JSON.stringify(path)}`}`;
    if (owner) {
      const what = path === undefined ? 'default backend of ' : '';
      this.#problem(ingress, 'Conflict', `${what}${where} is served by Ingress ${nameOf(owner)} already`);
      return;
    }
    this.#owners.set(`${map} ${key}`, ingress);
    const found = findBackend(ingress.metadata.namespace ?? '', wanted, this.#input.serviceOf);
    if (found.type === 'fault') this.#problem(ingress, 'InvalidBackend', `${where}: ${found.message}`);
    else this.#backends.set(found.backend.id, found.backend);
    const redirects = this.#hasTls(site) && ingress.metadata.annotations?.[sslRedirectAnnotation] !== 'false';
    this.#maps[map].set(key, `${redirects ? 1 : 0}:${found.type === 'fault' ? unavailable : found.backend.id}`);
  }

  #hasTls(site: string): boolean {
    return this.#tlsHosts.has(site) || this.#tlsHosts.has(site.replace(/^[^.]+/, '*'));
  }

  #refuseAnnotations(ingress: Ingress): void {
    const unknown = Object.keys(ingress.metadata.annotations ?? {}).filter(
      (name) => name.startsWith(annotationPrefix) && name !== sslRedirectAnnotation,
    );
    if (unknown.length > 0) this.#problem(ingress, 'Unsupported', `not supported and ignored: ${unknown.toSorted().join(', ')}`);
  }

  #problem(ingress: Ingress, reason: string, message: string): void {
    this.#problems.push({ ingress, reason, message });
  }
}

function nameOf({ metadata }: Ingress): string {
  return JSON.stringify(`${metadata.namespace}/${metadata.name}`);
}
