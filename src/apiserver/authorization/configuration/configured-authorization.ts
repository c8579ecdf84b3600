/**
 * Puts the authorizers together that flags or a file name, and anew when the file changes: a file that cannot be used changes nothing.
 * @source kubernetes pkg/kubeapiserver/authorizer/reload.go, v1.35
 */
import { readFileSync } from 'node:fs';
import { followFile } from '../../configuration/index.ts';
import type { ApiServerHost } from '../../extension.ts';
import type { FlagValues } from '../../flags/index.ts';
import type { Authorizer } from '../authorizer.ts';
import { type AuthorizerChain, type AuthorizerMeans, authorizerChain } from '../modes.ts';
import type { RuleLister } from '../rules.ts';
import { AuthorizationConfigError, readAuthorizationConfig } from './authorization-config.ts';
import { authorizersOfFlags, type ConfiguredAuthorizer } from './authorizers.ts';

/** Who decides at any moment. */
export interface CurrentAuthorization {
  readonly authorize: Authorizer;
  readonly listRules: RuleLister;
}

/** @throws what the files that flags name have wrong, when the server starts */
export function configuredAuthorization(
  flags: FlagValues,
  host: ApiServerHost,
  means: Omit<AuthorizerMeans, 'host'>,
): CurrentAuthorization {
  const path = flags['authorization-config'];
  let current: Loaded = path
    ? loadChain(readFileSync(path, 'utf8'), { ...means, host })
    : { chain: authorizerChain(authorizersOfFlags(flags), { ...means, host }), startedWith: new Set() };
  host.signal.addEventListener('abort', () => current.chain.close(), { once: true });
  if (!path) return current.chain;
  followFile(path, host, (text) => {
    try {
      const before = current;
      current = loadChain(text, { ...means, host, startedWith: before.startedWith });
      before.chain.close();
      host.log.info('reloaded authorization config', { path });
    } catch (error) {
      // Whatever is wrong with it, or with a file it names: what was good before goes on.
      host.log.error('reloading authorization config', { err: error, path });
    }
  });
  return {
    authorize: (user, access) => current.chain.authorize(user, access),
    listRules: (user, namespace) => current.chain.listRules(user, namespace),
  };
}

interface Loaded {
  readonly chain: AuthorizerChain;
  /** The types that the server had when it started. */
  readonly startedWith: ReadonlySet<string>;
}

/** Those that keep an eye on objects are there from the start or not at all. */
const fromTheStart: ReadonlySet<string> = new Set(['Node', 'RBAC']);

function loadChain(text: string, { startedWith, ...means }: AuthorizerMeans & { readonly startedWith?: ReadonlySet<string> }): Loaded {
  const authorizers = readAuthorizationConfig(text);
  if (startedWith) for (const authorizer of authorizers) requireStarted(authorizer, startedWith);
  return { chain: authorizerChain(authorizers, means), startedWith: startedWith ?? new Set(authorizers.map(({ type }) => type)) };
}

function requireStarted({ type }: ConfiguredAuthorizer, startedWith: ReadonlySet<string>): void {
  if (!fromTheStart.has(type) || startedWith.has(type)) return;
  throw new AuthorizationConfigError(`authorizer type ${type} is not allowed if it was not enabled at initial server startup`);
}
