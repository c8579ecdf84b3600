/**
 * All keys and certificates of a cluster, in a directory laid out as kubeadm's. What exists and is good is read, which needs no
 * library and takes milliseconds; what is missing, about to expire, or does not match what is asked for any more is made anew.
 * Calling again is how certificates are renewed. Authorities are never replaced: everybody trusts them.
 * @source kubeadm phases/certs/certlist.go, phases/kubeconfig (names, organizations, usages)
 */
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type Clock, type Random, writeFileAtomically } from '../base/index.ts';
import { type AltNames, canonicalAddress, type CertificateFacts, isPairOf, readCertificate } from './certificate.ts';
import { type CertificateAndKey, CertificateAuthority, type CertificateProfile, dayMs } from './certificate-authority.ts';
import { PkiError } from './errors.ts';
import { generateServiceAccountKey } from './service-account-keys.ts';
import { readPrivateKey } from './private-key.ts';

/** A certificate is renewed when it is valid for less than this. */
const renewBeforeMs = 30 * dayMs;

export interface ClusterPkiOptions {
  readonly clock: Clock;
  readonly random?: Random;
  /** DNS names and addresses of the API server beside those it always has (`kubernetes.default.svc`, `localhost`, loopback). */
  readonly apiServerSans: readonly string[];
  /** The first address of each service range: where pods find the API server. */
  readonly serviceIps: readonly string[];
  /** Default `cluster.local`. */
  readonly dnsDomain?: string;
  /** Nodes whose kubelets get a client and a serving certificate from here. */
  readonly nodes?: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  /** Makes the front proxy's authority and client certificate too; for API aggregation. Default false. */
  readonly frontProxy?: boolean;
}

/** A pair on disk. */
export interface CertificateFiles extends CertificateAndKey {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface NodeCertificates {
  /** `system:node:NAME` of `system:nodes`. */
  readonly client: CertificateFiles;
  readonly serving: CertificateFiles;
  /** `system:kube-proxy`, for the node's service proxy. */
  readonly proxy: CertificateFiles;
  /** The ServiceAccount `flannel` of kube-system, for the node's pod network. */
  readonly network: CertificateFiles;
  /** The ServiceAccount `coredns` of kube-system, for the node's DNS server. */
  readonly dns: CertificateFiles;
  /** The ServiceAccount `kube-network-policies` of kube-system, for what enforces them on the node. */
  readonly policies: CertificateFiles;
  /** The ServiceAccount `local-path-provisioner` of kube-system, for what removes the node's directories. */
  readonly localPath: CertificateFiles;
  /** The ServiceAccount `knarr-ingress` of kube-system, for the node's Ingress controller. */
  readonly ingress: CertificateFiles;
}

export interface ClusterPki {
  /** The cluster's authority, PEM; its key stays on disk (`keyFile`). */
  readonly authority: { readonly certificate: string; readonly certificateFile: string; readonly keyFile: string };
  readonly apiServer: CertificateFiles;
  readonly apiServerKubeletClient: CertificateFiles;
  readonly admin: CertificateFiles;
  readonly controllerManager: CertificateFiles;
  readonly scheduler: CertificateFiles;
  /** By node name. */
  readonly nodes: ReadonlyMap<string, NodeCertificates>;
  readonly serviceAccount: { readonly signingKey: string; readonly signingKeyFile: string };
  readonly frontProxy:
    | { readonly authority: { readonly certificate: string; readonly certificateFile: string }; readonly client: CertificateFiles }
    | undefined;
  /** When the first certificate is due for renewal, milliseconds since the epoch: call again then, and load what changed. */
  readonly renewalDueMs: number;
}

/**
 * Reads or makes the whole set.
 * @throws PkiError AUTHORITY_UNUSABLE when an authority has expired, or something must be signed and its key is not here
 */
export async function ensureClusterPki(directory: string, options: ClusterPkiOptions): Promise<ClusterPki> {
  const keeper = new CertificateKeeper(directory, options);
  const authority = await keeper.authority('ca', 'kubernetes');
  const client = (name: string, commonName: string, organization?: string): Promise<CertificateFiles> =>
    keeper.certificate(authority, name, { subject: subjectOf(commonName, organization), usage: 'client' });
  const [apiServer, apiServerKubeletClient, admin, controllerManager, scheduler, nodes, signingKey, frontProxy] = await Promise.all([
    keeper.certificate(authority, 'apiserver', { subject: { commonName: 'kube-apiserver' }, usage: 'server', ...apiServerNames(options) }),
    client('apiserver-kubelet-client', 'kube-apiserver-kubelet-client', 'kubeadm:cluster-admins'),
    client('admin', 'kubernetes-admin', 'system:masters'),
    client('controller-manager', 'system:kube-controller-manager'),
    client('scheduler', 'system:kube-scheduler'),
    Promise.all((options.nodes ?? []).map(async (node) => [node.name, await ensureNode(keeper, authority, node)] as const)),
    keeper.serviceAccountKey(),
    options.frontProxy ? ensureFrontProxy(keeper) : undefined,
  ]);
  return {
    authority: { certificate: authority.certificate, certificateFile: keeper.path('ca.crt'), keyFile: keeper.path('ca.key') },
    apiServer,
    apiServerKubeletClient,
    admin,
    controllerManager,
    scheduler,
    nodes: new Map(nodes),
    serviceAccount: { signingKey, signingKeyFile: keeper.path('sa.key') },
    frontProxy,
    renewalDueMs: keeper.renewalDueMs,
  };
}

async function ensureNode(
  keeper: CertificateKeeper,
  authority: Authority,
  { name, addresses }: { readonly name: string; readonly addresses: readonly string[] },
): Promise<NodeCertificates> {
  const subject = subjectOf(`system:node:${name}`, 'system:nodes');
  const other = (file: string, commonName: string): Promise<CertificateFiles> =>
    keeper.certificate(authority, `nodes/${name}/${file}`, { subject: subjectOf(commonName), usage: 'client' });
  const [client, serving, proxy, network, dns, policies, localPath, ingress] = await Promise.all([
    keeper.certificate(authority, `nodes/${name}/kubelet-client`, { subject, usage: 'client' }),
    keeper.certificate(authority, `nodes/${name}/kubelet`, { subject, usage: 'server', ...altNames([name, ...addresses]) }),
    other('kube-proxy', 'system:kube-proxy'),
    other('flannel', 'system:serviceaccount:kube-system:flannel'),
    other('coredns', 'system:serviceaccount:kube-system:coredns'),
    other('kube-network-policies', 'system:serviceaccount:kube-system:kube-network-policies'),
    other('local-path-provisioner', 'system:serviceaccount:kube-system:local-path-provisioner'),
    other('knarr-ingress', 'system:serviceaccount:kube-system:knarr-ingress'),
  ]);
  return { client, serving, proxy, network, dns, policies, localPath, ingress };
}

async function ensureFrontProxy(keeper: CertificateKeeper): Promise<NonNullable<ClusterPki['frontProxy']>> {
  const authority = await keeper.authority('front-proxy-ca', 'front-proxy-ca');
  const client = await keeper.certificate(authority, 'front-proxy-client', {
    subject: { commonName: 'front-proxy-client' },
    usage: 'client',
  });
  return { authority: { certificate: authority.certificate, certificateFile: keeper.path('front-proxy-ca.crt') }, client };
}

function apiServerNames({ apiServerSans, serviceIps, dnsDomain = 'cluster.local' }: ClusterPkiOptions): AltNames {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${dnsDomain}`];
  return altNames([...service, 'localhost', '127.0.0.1', '::1', ...serviceIps, ...apiServerSans]);
}

/** Sorts names and addresses apart, each once. */
function altNames(names: readonly string[]): AltNames {
  const unique = [...new Set(names)];
  return { dnsNames: unique.filter((name) => isIP(name) === 0), ipAddresses: unique.filter((name) => isIP(name) !== 0) };
}

function subjectOf(commonName: string, organization?: string): CertificateProfile['subject'] {
  return { commonName, ...(organization !== undefined && { organizations: [organization] }) };
}

interface Authority {
  readonly certificate: string;
  readonly facts: CertificateFacts;
  /** Loads its key on first use: a start that makes nothing does not need it, and it may be kept elsewhere. */
  readonly signer: () => CertificateAuthority;
}

/** Reads and makes files of one directory. A key is written before its certificate, so a certificate without its key is never ours. */
class CertificateKeeper {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #context: { readonly clock: Clock; readonly random?: Random };
  renewalDueMs = Infinity;

  constructor(directory: string, { clock, random }: ClusterPkiOptions) {
    this.#directory = directory;
    this.#clock = clock;
    this.#context = { clock, ...(random && { random }) };
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  async authority(name: string, commonName: string): Promise<Authority> {
    const certificate = this.#read(`${name}.crt`);
    if (certificate === undefined) return this.#createAuthority(name, commonName);
    const facts = readCertificate(certificate, `${this.path(name)}.crt`);
    if (!facts.isAuthority) throw new PkiError('AUTHORITY_UNUSABLE', `${this.path(name)}.crt is not the certificate of an authority`);
    if (facts.notAfterMs <= this.#clock.now()) {
      throw new PkiError('AUTHORITY_UNUSABLE', `authority ${this.path(name)}.crt expired ${new Date(facts.notAfterMs).toISOString()}`);
    }
    let signer: CertificateAuthority | undefined;
    return { certificate, facts, signer: () => (signer ??= this.#loadSigner(name, certificate)) };
  }

  /** The pair `name`, when it is what `profile` asks for and good for long enough; else a new one. */
  async certificate(authority: Authority, name: string, profile: CertificateProfile): Promise<CertificateFiles> {
    const existing = this.#existing(authority, name, profile);
    const pair = existing ?? (await authority.signer().issue(profile));
    if (!existing) {
      writeFileAtomically(this.path(`${name}.key`), pair.key);
      writeFileAtomically(this.path(`${name}.crt`), pair.certificate);
    }
    this.renewalDueMs = Math.min(this.renewalDueMs, readCertificate(pair.certificate).notAfterMs - renewBeforeMs);
    return { ...pair, certificateFile: this.path(`${name}.crt`), keyFile: this.path(`${name}.key`) };
  }

  async serviceAccountKey(): Promise<string> {
    const existing = this.#read('sa.key');
    if (existing !== undefined) return existing;
    const key = await generateServiceAccountKey();
    writeFileAtomically(this.path('sa.key'), key);
    return key;
  }

  async #createAuthority(name: string, commonName: string): Promise<Authority> {
    const created = await CertificateAuthority.create({ ...this.#context, commonName });
    writeFileAtomically(this.path(`${name}.key`), created.key);
    writeFileAtomically(this.path(`${name}.crt`), created.certificate);
    return { certificate: created.certificate, facts: readCertificate(created.certificate), signer: () => created };
  }

  #loadSigner(name: string, certificate: string): CertificateAuthority {
    const key = this.#read(`${name}.key`);
    if (key === undefined)
      throw new PkiError('AUTHORITY_UNUSABLE', `a certificate has to be made, and ${this.path(name)}.key is not here to sign it`);
    return CertificateAuthority.load({ certificate, key }, this.#context);
  }

  #existing(authority: Authority, name: string, profile: CertificateProfile): CertificateAndKey | undefined {
    const certificate = this.#read(`${name}.crt`);
    const key = this.#read(`${name}.key`);
    if (certificate === undefined || key === undefined) return undefined;
    try {
      const facts = readCertificate(certificate);
      const lastsLong = facts.notAfterMs - this.#clock.now() >= Math.min(renewBeforeMs, authority.facts.notAfterMs - this.#clock.now());
      const good = lastsLong && answers(facts, profile) && isPairOf(facts, readPrivateKey(key), authority.facts);
      return good ? { certificate, key } : undefined;
    } catch (error) {
      // Damaged files are made anew like missing ones.
      if (error instanceof PkiError) return undefined;
      throw error;
    }
  }

  #read(name: string): string | undefined {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : undefined;
  }
}

/** Does the certificate speak for the subject, and for every name asked for? More names are harmless. */
function answers(facts: CertificateFacts, { subject, dnsNames = [], ipAddresses = [] }: CertificateProfile): boolean {
  const { commonName, organizations } = facts.subject;
  const groups = subject.organizations ?? [];
  return (
    commonName === subject.commonName &&
    organizations.length === groups.length &&
    groups.every((group) => organizations.includes(group)) &&
    dnsNames.every((name) => facts.dnsNames.includes(name)) &&
    ipAddresses.every((address) => facts.ipAddresses.includes(canonicalAddress(address)))
  );
}
