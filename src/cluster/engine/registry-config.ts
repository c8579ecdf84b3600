/** Where and how the engine pulls: a `hosts.toml` a registry. The engine reads it at each pull, so a change works at once. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineOptions } from '../cluster-record.ts';
import { makePrivateDirectory, type NodePaths } from '../home.ts';

/** The engine's own name for every registry that has no directory. */
const anyRegistry = '_default';

/** Makes a node's registry configuration what `engine` says. */
export function writeRegistryConfig({ registryConfig }: NodePaths, { registryMirrors, registryCa }: EngineOptions): void {
  makePrivateDirectory(registryConfig);
  const wanted = new Set([...Object.keys(registryMirrors), ...(registryCa ? [anyRegistry] : [])]);
  for (const name of readdirSync(registryConfig)) if (!wanted.has(name)) rmSync(join(registryConfig, name), { recursive: true });
  for (const registry of wanted) {
    const mirror = registryMirrors[registry];
    mkdirSync(join(registryConfig, registry), { recursive: true });
    writeFileSync(
      join(registryConfig, registry, 'hosts.toml'),
      renderRegistryHosts(registry, { ...(mirror && { mirror }), ...(registryCa && { ca: registryCa }) }),
    );
  }
}

/** A registry's `hosts.toml`: the mirror first, then the registry itself. A file without `server` is about whatever registry is asked. Pure. */
export function renderRegistryHosts(registry: string, options: { readonly mirror?: string; readonly ca?: string }): string {
  const ca = options.ca ? `ca = ${JSON.stringify(options.ca)}\n` : '';
  const server =
    registry === anyRegistry
      ? ''
      : `server = ${JSON.stringify(`https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`)}\n`;
  const mirror = options.mirror ? `\n[host.${JSON.stringify(options.mirror)}]\ncapabilities = ["pull", "resolve"]\n${ca}` : '';
  return `${server}${ca}${mirror}`;
}
