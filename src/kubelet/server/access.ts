/**
 * Who may call the kubelet's port: client certificates of the cluster's authority, bearer tokens that the API server vouches for,
 * and nobody else. What a caller may do is asked of the API server, except for those that the configuration names.
 * @source pkg/kubelet/server/auth.go (v1.35)
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { authenticationv1Resources, authorizationv1Resources } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import type { KubeletAuth } from '../seams.ts';
import { HttpFailure } from './http-failure.ts';

export interface Caller {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

/** How long an answer of the API server holds. @source kubelet authorization.webhook cache TTLs */
const allowedMs = 5 * 60_000;
const refusedMs = 30_000;
/** Most answers that are remembered; the oldest go first. */
const maxRemembered = 1000;

const authenticatedGroup = 'system:authenticated';

interface Remembered {
  readonly allowed: boolean;
  readonly untilMs: number;
}

export interface AccessDeps {
  readonly auth: KubeletAuth;
  readonly client: Client;
  readonly clock: Clock;
  readonly nodeName: string;
}

export class Access {
  readonly #deps: AccessDeps;
  readonly #remembered = new Map<string, Remembered>();

  constructor(deps: AccessDeps) {
    this.#deps = deps;
  }

  /** @throws HttpFailure 401 or 403 */
  async check(request: IncomingMessage, path: string, signal: AbortSignal): Promise<Caller> {
    const caller = this.#byCertificate(request) ?? (await this.#byToken(request, signal));
    if (!caller) throw new HttpFailure(401, 'Unauthorized');
    const verb = verbs[request.method ?? ''] ?? '';
    const subresources = subresourcesOf(path);
    if (this.#isNamed(caller)) return caller;
    for (const subresource of subresources) if (await this.#isAllowed(caller, verb, subresource, signal)) return caller;
    throw new HttpFailure(403, `Forbidden (user=${caller.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])`);
  }

  /** The subject of a certificate that our authority signed: its name is the user, its organizations are the groups. */
  #byCertificate({ socket }: IncomingMessage): Caller | undefined {
    const tls = socket as TLSSocket;
    if (!tls.authorized) return undefined;
    const { subject } = tls.getPeerCertificate();
    const name = only(subject?.CN);
    if (name === undefined || name === '') return undefined;
    const organizations: unknown = subject.O;
    return {
      name,
      groups: Array.isArray(organizations) ? (organizations as string[]) : typeof organizations === 'string' ? [organizations] : [],
    };
  }

  async #byToken({ headers }: IncomingMessage, signal: AbortSignal): Promise<Caller | undefined> {
    const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined || !this.#deps.auth.webhook) return undefined;
    const review = await this.#deps.client.create(
      authenticationv1Resources.tokenreviews,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } },
      { signal },
    );
    const { authenticated, user } = review.status;
    if (!authenticated || !user?.username) return undefined;
    return { name: user.username, ...(user.uid !== undefined && { uid: user.uid }), groups: user.groups ?? [] };
  }

  #isNamed({ name, groups }: Caller): boolean {
    const { allowedUsers, allowedGroups } = this.#deps.auth;
    return allowedUsers.includes(name) || groups.some((group) => allowedGroups.includes(group));
  }

  async #isAllowed(caller: Caller, verb: string, subresource: string, signal: AbortSignal): Promise<boolean> {
    const { auth, client, clock, nodeName } = this.#deps;
    if (!auth.webhook) return false;
    const key = JSON.stringify([caller, verb, subresource]);
    const known = this.#remembered.get(key);
    if (known && clock.now() < known.untilMs) return known.allowed;
    const review = await client.create(
      authorizationv1Resources.subjectaccessreviews,
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: {},
        spec: {
          user: caller.name,
          // Whoever got this far has proved who they are.
          groups: caller.groups.includes(authenticatedGroup) ? caller.groups : [...caller.groups, authenticatedGroup],
          ...(caller.uid !== undefined && { uid: caller.uid }),
          resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
        },
      },
      { signal },
    );
    const { allowed } = review.status;
    this.#remember(key, { allowed, untilMs: clock.now() + (allowed ? allowedMs : refusedMs) });
    return allowed;
  }

  #remember(key: string, answer: Remembered): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, answer);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > maxRemembered && oldest !== undefined) this.#remembered.delete(oldest);
  }
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** What of the node a path is about, the finest first: being allowed one is enough. */
function subresourcesOf(path: string): string[] {
  const [first = ''] = path.split('/').filter((part) => part !== '');
  switch (first) {
    case 'stats':
    case 'metrics':
    case 'checkpoint':
      return [first];
    case 'logs':
      return ['log'];
    case 'pods':
    case 'runningpods':
      return ['pods', 'proxy'];
    case 'healthz':
    case 'configz':
      return [first, 'proxy'];
    default:
      return ['proxy'];
  }
}

/** A subject may name a field several times; then it says nothing. */
function only(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
