/** Where and how the engine pulls: a `hosts.toml` a registry. The engine reads it at each pull, so a change works at once. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineOptions } from '../cluster-record.ts';
import { makePrivateDirectory, type NodePaths } from '../home.ts';

/** The engine's own name for every registry that has no directory. */
const anyRegistry = '_default';

/** Makes a node's registry configuration what `engine` says. The authority's file is copied: the given one may move, or be out of the node's sight. */
export function writeRegistryConfig({ root, registryConfig }: NodePaths, { registryMirrors, registryCa }: EngineOptions): void {
  makePrivateDirectory(registryConfig);
  const ca = registryCa === undefined ? undefined : join(root, 'registry-ca.crt');
  if (ca && existsSync(registryCa!)) copyFileSync(registryCa!, ca);
  const wanted = new Set([...Object.keys(registryMirrors), ...(ca ? [anyRegistry] : [])]);
  for (const name of readdirSync(registryConfig)) if (!wanted.has(name)) rmSync(join(registryConfig, name), { recursive: true });
  for (const registry of wanted) {
    const mirror = registryMirrors[registry];
    mkdirSync(join(registryConfig, registry), { recursive: true });
    writeFileSync(
      join(registryConfig, registry, 'hosts.toml'),
      renderRegistryHosts(registry, { ...(mirror && { mirror }), ...(ca && { ca }) }),
    );
  }
}

/**
 * A registry's `hosts.toml`: the mirror first, then the registry itself. Without `server` it is about whatever registry is asked; without any
 * `host` table the engine ignores the file. Pure.
 * @source containerd 1.6, remotes/docker/config/hosts.go
 */
export function renderRegistryHosts(registry: string, options: { readonly mirror?: string; readonly ca?: string }): string {
  const ca = options.ca ? `ca = ${JSON.stringify(options.ca)}\n` : '';
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const server = registry === anyRegistry ? '' : `server = ${JSON.stringify(`https://${host}`)}\n`;
  const mirror = options.mirror ? `[host.${JSON.stringify(options.mirror)}]\ncapabilities = ["pull", "resolve"]\n${ca}` : '[host]\n';
  return `${server}${ca}\n${mirror}`;
}
