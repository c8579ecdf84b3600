/**
 * Encryption as flags describe it. With `--encryption-provider-config-automatic-reload` the file is looked at every minute: one that is
 * wrong is told and changes nothing.
 * @source apiserver pkg/server/options/encryptionconfig/controller, v1.35
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ResourceDefinition } from '../../api/index.ts';
import { type Clock, Counter, Gauge, isAbort, type Logger, type Random, type Registry } from '../../base/index.ts';
import type { FlagValues } from '../flags/index.ts';
import type { Store } from '../../store/index.ts';
import { EncryptionConfigError, parseEncryptionConfig } from './configuration.ts';
import { EncryptedStore } from './encrypted-store.ts';
import { Transformers } from './transformers.ts';

const reloadMs = 60_000;

export interface EncryptionDeps {
  readonly definitions: readonly ResourceDefinition[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Ends the reloading. */
  readonly signal: AbortSignal;
}

/**
 * Undefined without a configuration: the store is used as it is.
 * @throws EncryptionConfigError, or the system's error when the file cannot be read
 */
export function configuredEncryption(store: Store, flags: FlagValues, deps: EncryptionDeps): EncryptedStore | undefined {
  const path = flags['encryption-provider-config'];
  if (path === undefined || path === '') return undefined;
  const { random, definitions, log, metrics } = deps;
  const text = readFileSync(path, 'utf8');
  const encrypted = new EncryptedStore(store, {
    transformers: new Transformers(parseEncryptionConfig(text, path), random),
    definitions,
    log,
    metrics,
  });
  if (flags['encryption-provider-config-automatic-reload']) void keepReloading(encrypted, { path, text }, deps);
  return encrypted;
}

async function keepReloading(
  store: EncryptedStore,
  loaded: { readonly path: string; readonly text: string },
  { clock, random, log, metrics, signal }: EncryptionDeps,
): Promise<void> {
  const registers = [metrics];
  const reloads = new Counter({
    name: 'apiserver_encryption_config_controller_automatic_reloads_total',
    help: 'Changes of the encryption configuration, by whether they could be used.',
    labelNames: ['status'],
    registers,
  });
  const info = new Gauge({
    name: 'apiserver_encryption_config_controller_last_config_info',
    help: 'The hash of the encryption configuration that is used.',
    labelNames: ['hash'],
    registers,
  });
  let current = loaded.text;
  info.set({ hash: hashOf(current) }, 1);
  try {
    for (;;) {
      await clock.sleep(reloadMs, signal);
      try {
        const text = readFileSync(loaded.path, 'utf8');
        if (text === current) continue;
        store.reconfigure(new Transformers(parseEncryptionConfig(text, loaded.path), random));
        current = text;
        info.reset();
        info.set({ hash: hashOf(text) }, 1);
        reloads.inc({ status: 'success' });
        log.info('the encryption configuration was loaded again');
      } catch (error) {
        if (!(error instanceof EncryptionConfigError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
        reloads.inc({ status: 'failure' });
        log.error('the encryption configuration cannot be used; the one before stays', { err: error });
      }
    }
  } catch (error) {
    if (!isAbort(error, signal)) throw error;
  }
}

function hashOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
