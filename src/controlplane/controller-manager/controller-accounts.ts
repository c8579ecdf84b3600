/**
 * The ServiceAccounts in kube-system that controllers act as: a client and an event recorder for each, with no more than its rights, and
 * the object itself, made when it is missing.
 * @source controller-manager pkg/clientbuilder (getOrCreateServiceAccount), v1.35, as with --use-service-account-credentials
 */
import { corev1Resources, isApiError } from '../../api/index.ts';
import { type Clock, type Ctx, isAbort, type Random, type TaskGroup } from '../../base/index.ts';
import { type Client, type ControllerAccount, createClient, createEventRecorder, type Transport } from '../../client/index.ts';

export interface ControllerAccountsOptions {
  /** A way to the API server for each account, under the name of the program. */
  readonly transport: (account: string, userAgent: string) => Transport;
  /** Who makes the accounts. */
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly group: TaskGroup;
}

const namespace = 'kube-system';
const program = 'kube-controller-manager';
const retryMs = 1_000;

export class ControllerAccounts {
  readonly #options: ControllerAccountsOptions;
  readonly #accounts = new Map<string, ControllerAccount>();

  constructor(options: ControllerAccountsOptions) {
    this.#options = options;
  }

  /** The same for all who act as it. */
  of(name: string): ControllerAccount {
    const known = this.#accounts.get(name);
    if (known) return known;
    const { transport, clock, random, group } = this.#options;
    // Upstream's begins and ends so: fields belong to the program, audit also sees which part of it.
    const client = createClient(transport(name, `${program}/system:serviceaccount:${namespace}:${name}`));
    const account = { client, recorder: createEventRecorder({ client, component: name, clock, random, group }) };
    this.#accounts.set(name, account);
    return account;
  }

  /** Makes the objects of all accounts that somebody acts as; tries again until they are there. */
  async make({ signal, log }: Ctx): Promise<void> {
    for (const name of this.#accounts.keys()) {
      for (;;) {
        try {
          await this.#makeOne(name, signal);
          break;
        } catch (error) {
          if (isAbort(error, signal)) throw error;
          // The server, or its namespace, may not be there yet.
          log.debug('the account of a controller could not be made', { err: error, account: name });
          await this.#options.clock.sleep(retryMs, signal);
        }
      }
    }
  }

  async #makeOne(name: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    try {
      await client.get(corev1Resources.serviceaccounts, { namespace, name }, { signal });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } } as const;
      await client.create(corev1Resources.serviceaccounts, account, { signal }).catch((refused: unknown) => {
        if (!isApiError(refused, 'AlreadyExists')) throw refused;
      });
    }
  }
}
