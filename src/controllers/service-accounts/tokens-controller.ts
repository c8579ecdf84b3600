/**
 * Fills Secrets of type service-account-token with a token that does not end, and takes them away with their account. Accounts get none by
 * themselves.
 * @source pkg/controller/serviceaccount/tokens_controller.go, v1.35
 */
import { type corev1, corev1Resources, isApiError } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { type Controller, type ControllerContext, done, keyOf, type Outcome, splitKey } from '../../client/index.ts';
import { filled, isOf, ownerOf, type TokenMaker, type TokenOwner, tokenSecretType } from './token-secrets.ts';

const { secrets: secretsRef, serviceaccounts } = corev1Resources;
const byAccount = 'account';

/** Keys: a Secret as it is, a Secret that is gone with the account that may name it. */
const secretKey = (secret: corev1.Secret): string => `secret/${keyOf(secret)}`;
const goneKey = (owner: TokenOwner, secret: string): string => `gone/${owner.namespace}/${owner.name}/${secret}`;

export function createTokensController({ client, informers }: ControllerContext, maker: TokenMaker): Controller {
  const secrets = informers.informer(secretsRef, { fieldSelector: `type=${tokenSecretType}` });
  const accounts = informers.informer(serviceaccounts);

  const setup = (enqueue: (key: string) => void): void => {
    const accountKey = ({ namespace, name }: { readonly namespace?: string; readonly name: string }): string =>
      `${namespace ?? ''}/${name}`;
    secrets.addIndex(byAccount, (secret) => {
      const owner = ownerOf(secret);
      return owner ? [accountKey(owner)] : [];
    });
    secrets.addHandler({
      added: (secret) => enqueue(secretKey(secret)),
      updated: (_, secret) => enqueue(secretKey(secret)),
      deleted: (secret) => {
        const owner = ownerOf(secret);
        if (owner) enqueue(goneKey(owner, secret.metadata.name));
      },
    });
    const wake = ({ metadata }: corev1.ServiceAccount): void => {
      for (const secret of secrets.byIndex(byAccount, accountKey(metadata))) enqueue(secretKey(secret));
    };
    accounts.addHandler({ added: wake, deleted: wake });
  };

  /** The account that is meant: the cache may be behind, so its absence is looked at twice. */
  const accountOf = async (owner: TokenOwner, signal: AbortSignal): Promise<corev1.ServiceAccount | undefined> => {
    const cached = accounts.get(owner);
    if (cached && isOf(owner, cached)) return cached;
    const live = await unlessNotFound(client.get(serviceaccounts, owner, { signal }));
    return live && isOf(owner, live) ? live : undefined;
  };

  const fill = async (cached: corev1.Secret, owner: TokenOwner, signal: AbortSignal): Promise<void> => {
    const account = await accountOf(owner, signal);
    if (!account) {
      const body = { preconditions: { uid: cached.metadata.uid } };
      await unlessMoved(client.delete(secretsRef, cached.metadata, { signal, body }));
      return;
    }
    const written = filled(cached, account, maker);
    // Another version has come meanwhile: its event brings the key back.
    if (written) await unlessMoved(client.update(secretsRef, written, { signal }));
  };

  /** The account no longer names the Secret. */
  const forget = async (namespace: string, name: string, secret: string, signal: AbortSignal): Promise<void> => {
    if (secrets.get({ namespace, name: secret })) return;
    const account = await unlessNotFound(client.get(serviceaccounts, { namespace, name }, { signal }));
    if (!account?.secrets?.some((each) => each.name === secret)) return;
    const left = account.secrets.filter((each) => each.name !== secret);
    await unlessNotFound(client.update(serviceaccounts, { ...account, secrets: left }, { signal }));
  };

  const reconcile = async (key: string, { signal }: Ctx): Promise<Outcome> => {
    if (key.startsWith('gone/')) {
      const [, namespace = '', name = '', secret = ''] = key.split('/');
      await forget(namespace, name, secret, signal);
      return done;
    }
    const secret = secrets.get(splitKey(key.slice('secret/'.length)));
    const owner = secret && ownerOf(secret);
    if (secret && owner && secret.metadata.deletionTimestamp === undefined) await fill(secret, owner, signal);
    return done;
  };

  return { name: 'serviceaccount-token-controller', reconcile, setup, workers: 5 };
}

async function unlessNotFound<T>(request: Promise<T>): Promise<T | undefined> {
  return request.catch((error: unknown) => {
    if (isApiError(error, 'NotFound')) return undefined;
    throw error;
  });
}

async function unlessMoved(request: Promise<unknown>): Promise<void> {
  await request.catch((error: unknown) => {
    if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
  });
}
