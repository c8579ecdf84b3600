/**
 * For nodes that join: signs `kube-public/cluster-info` with every bootstrap token, and takes tokens away that have ended. Both are off
 * unless they are asked for.
 * @source pkg/controller/bootstrap/{bootstrapsigner,tokencleaner}.go, v1.35
 */
import { type corev1, corev1Resources, isApiError } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, type Informer, type Outcome } from '../../client/index.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { bootstrapTokenType, detachedSignature, expirationMs, signingToken } from './bootstrap-tokens.ts';

const tokenNamespace = 'kube-system';
const info = { namespace: 'kube-public', name: 'cluster-info' };
const signedKey = 'kubeconfig';
const signaturePrefix = 'jws-kubeconfig-';

function tokenSecrets({ informers }: ControllerContext): Informer<corev1.Secret> {
  return informers.informer(corev1Resources.secrets, { namespace: tokenNamespace, fieldSelector: `type=${bootstrapTokenType}` });
}

export function createBootstrapSigner(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const tokens = tokenSecrets(context);
  const configMaps = informers.informer(corev1Resources.configmaps, {
    namespace: info.namespace,
    fieldSelector: `metadata.name=${info.name}`,
  });

  const setup = (enqueue: (key: string) => void): void => {
    const wake = (): void => enqueue(info.name);
    tokens.addHandler({ added: wake, updated: wake, deleted: wake });
    configMaps.addHandler({ added: wake, updated: wake });
  };

  const reconcile = async (_: string, { signal, log }: Ctx): Promise<Outcome> => {
    const configMap = configMaps.get(info);
    if (!configMap) return done;
    const content = configMap.data?.[signedKey];
    if (content === undefined) {
      log.warn('there is nothing to sign', { configMap: `${info.namespace}/${info.name}`, key: signedKey });
      return done;
    }
    const nowMs = clock.now();
    const signers = tokens.list().flatMap((secret) => signingToken(secret, nowMs) ?? []);
    const kept = Object.entries(configMap.data ?? {}).filter(([key]) => !key.startsWith(signaturePrefix));
    const signatures = signers.map((token) => [`${signaturePrefix}${token.id}`, detachedSignature(content, token)] as const);
    const data = Object.fromEntries([...kept, ...signatures]);
    if (!semanticEqual(data, configMap.data)) {
      await client.update(corev1Resources.configmaps, { ...configMap, data }, { signal });
    }
    // Signatures of tokens that end go when they do.
    const ends = tokens
      .list()
      .flatMap((secret) => expirationMs(secret) ?? [])
      .filter((endMs) => endMs > nowMs);
    return ends.length > 0 ? { type: 'retryAfter', delayMs: Math.min(...ends) - nowMs } : done;
  };

  return { name: 'bootstrap-signer-controller', reconcile, setup, workers: 1 };
}

export function createTokenCleaner(context: ControllerContext): Controller {
  const { client, clock } = context;
  const tokens = tokenSecrets(context);

  const setup = (enqueue: (key: string) => void): void => {
    tokens.addHandler({ added: ({ metadata }) => enqueue(metadata.name), updated: (_, { metadata }) => enqueue(metadata.name) });
  };

  const reconcile = async (name: string, { signal }: Ctx): Promise<Outcome> => {
    const secret = tokens.get({ namespace: tokenNamespace, name });
    const endMs = secret && expirationMs(secret);
    if (!secret || endMs === undefined) return done;
    const leftMs = endMs - clock.now();
    if (leftMs > 0) return { type: 'retryAfter', delayMs: leftMs };
    const body = { preconditions: { uid: secret.metadata.uid } };
    await client.delete(corev1Resources.secrets, secret.metadata, { signal, body }).catch((error: unknown) => {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    });
    return done;
  };

  return { name: 'token-cleaner-controller', reconcile, setup, workers: 1 };
}
