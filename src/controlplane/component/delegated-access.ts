/**
 * Who may see what on a component's port. Health is open; everything else is asked of the API server: a TokenReview says who it is, a
 * SubjectAccessReview whether he may. Without clients to ask with nobody but the administrators' group may.
 * @source apiserver pkg/server/options/{authentication,authorization}.go (delegating), v1.35
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import {
  type authenticationv1,
  authenticationv1Resources,
  type authorizationv1,
  authorizationv1Resources,
  type metav1,
} from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { readCertificate } from '../../pki/index.ts';

export interface ServingAccess {
  /** PEM of the authorities of client certificates; undefined: none are asked for. */
  readonly clientCa: string | undefined;
  /** The Status to refuse the request with; undefined: it is allowed. */
  refusal(request: IncomingMessage, path: string): Promise<(metav1.Status & { readonly code: number }) | undefined>;
}

export interface DelegatedAccessOptions {
  readonly clientCa: string | undefined;
  /** Reviews tokens; undefined: a token says nothing. */
  readonly reviews: Client | undefined;
  /** Reviews access; undefined: only administrators have it. */
  readonly decisions: Client | undefined;
  /** Paths that are open to everybody; default: those of health. */
  readonly open?: readonly string[] | undefined;
  readonly clock: Clock;
}

interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
}

const alwaysAllowed = ['/healthz', '/livez', '/readyz'];
const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const administrators = 'system:masters';
const authenticated = 'system:authenticated';
const reviewTimeoutMs = 10_000;

export function delegatedAccess(options: DelegatedAccessOptions): ServingAccess {
  const { clientCa, reviews, decisions, open = alwaysAllowed, clock } = options;
  const within = async <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const deadline = new AbortController();
    using _timer = clock.setTimer(reviewTimeoutMs, () => deadline.abort());
    return ask(deadline.signal);
  };

  const whoAsks = async (request: IncomingMessage): Promise<User | undefined> => {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !reviews) return certificateUser(request) ?? anonymous;
    const { status } = await within((signal) => reviews.create(authenticationv1Resources.tokenreviews, tokenReview(token), { signal }));
    const { username, groups = [], uid } = status?.user ?? {};
    return status?.authenticated && username !== undefined ? { name: username, groups, ...(uid !== undefined && { uid }) } : undefined;
  };

  const isAllowed = async (user: User, path: string, verb: string): Promise<boolean> => {
    if (user.groups.includes(administrators)) return true;
    if (!decisions) return false;
    const { status } = await within((signal) =>
      decisions.create(authorizationv1Resources.subjectaccessreviews, accessReview(user, path, verb), { signal }),
    );
    return status.allowed;
  };

  return {
    clientCa,
    refusal: async (request, path) => {
      if (isOpen(path, open)) return undefined;
      const user = await whoAsks(request);
      if (!user) return refused(401, 'Unauthorized', 'Unauthorized');
      const verb = (request.method ?? 'GET').toLowerCase();
      if (await isAllowed(user, path, verb)) return undefined;
      return refused(403, 'Forbidden', `forbidden: User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}`);
    },
  };
}

/** `/a/*` opens all below `/a/`; a path without the star itself and, as its checks have names, what is below it. */
function isOpen(path: string, open: readonly string[]): boolean {
  return open.some((each) => (each.endsWith('*') ? path.startsWith(each.slice(0, -1)) : path === each || path.startsWith(`${each}/`)));
}

function certificateUser({ socket }: IncomingMessage): User | undefined {
  // An HTTPS server's sockets are TLS sockets.
  const tls = socket as TLSSocket;
  const certificate = tls.authorized ? tls.getPeerX509Certificate() : undefined;
  if (!certificate) return undefined;
  const { commonName, organizations } = readCertificate(certificate.toString()).subject;
  return { name: commonName, groups: [...organizations, authenticated] };
}

// A review has no name and is never stored.
function tokenReview(token: string): authenticationv1.TokenReview {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } };
  return review as unknown as authenticationv1.TokenReview;
}

function accessReview(user: User, path: string, verb: string): authorizationv1.SubjectAccessReview {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {},
    spec: {
      user: user.name,
      groups: user.groups,
      ...(user.uid !== undefined && { uid: user.uid }),
      nonResourceAttributes: { path, verb },
    },
  };
  return review as unknown as authorizationv1.SubjectAccessReview;
}

function refused(code: number, reason: string, message: string): metav1.Status & { readonly code: number } {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}
