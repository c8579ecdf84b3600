/**
 * What a Corefile means: server blocks with their zones, ports and plugins. Plugins run in their own order, whatever order they are written
 * in. Shared by the threads that answer and by whoever only wants to know whether a Corefile is good.
 */
import { type AclConfig, parseAcl } from '../plugins/acl.ts';
import { type HostsConfig, parseHosts } from '../plugins/hosts.ts';
import { parseRewrite, type RewriteRule } from '../plugins/rewrite.ts';
import { parseTemplate, type TemplateConfig } from '../plugins/template.ts';
import { durationMs, expectArgs, unknownProperty, zoneOf } from './arguments.ts';
import { type CacheConfig, parseCache } from './cache-config.ts';
import { CorefileFault } from './corefile-fault.ts';
import { type ForwardConfig, parseForward } from './forward-config.ts';
import { type KubernetesConfig, parseKubernetes } from './kubernetes-config.ts';
import { type Directive, parseCorefile, type ServerBlock } from './syntax.ts';

export interface BlockConfig {
  readonly zones: readonly string[];
  readonly port: number;
  readonly kubernetes: readonly KubernetesConfig[];
  readonly forwards: readonly ForwardConfig[];
  readonly cache: CacheConfig | undefined;
  readonly hosts: HostsConfig | undefined;
  readonly rewrites: readonly RewriteRule[];
  readonly templates: readonly TemplateConfig[];
  readonly acls: readonly AclConfig[];
  readonly loop: boolean;
  readonly loadbalance: boolean;
  readonly errors: boolean;
  readonly log: boolean;
}

export interface CorefileConfig {
  readonly blocks: readonly BlockConfig[];
  /** Ports of HTTP, as written; undefined: not served. */
  readonly health: { readonly port: number; readonly lameduckMs: number } | undefined;
  readonly ready: { readonly port: number } | undefined;
  readonly prometheus: { readonly port: number } | undefined;
}

type MutableBlock = { -readonly [Key in keyof BlockConfig]: BlockConfig[Key] };
type MutableConfig = { -readonly [Key in keyof CorefileConfig]: CorefileConfig[Key] };

const defaultPort = 53;

/** @throws CorefileFault naming the line */
export function readCorefile(text: string): CorefileConfig {
  const config: MutableConfig = { blocks: [], health: undefined, ready: undefined, prometheus: undefined };
  const blocks = parseCorefile(text).flatMap((block) => readBlock(block, config));
  if (blocks.length === 0) throw new CorefileFault(1, 'there is no server block');
  const served = new Set<string>();
  for (const { zones, port } of blocks) {
    for (const zone of zones) {
      const key = `${zone === '' ? '.' : `${zone}.`}:${port}`;
      if (served.has(key)) throw new CorefileFault(1, `cannot serve dns://${key} - it is already defined`);
      served.add(key);
    }
  }
  return { ...config, blocks };
}

function readBlock(block: ServerBlock, config: MutableConfig): BlockConfig[] {
  const byPort = new Map<number, string[]>();
  for (const key of block.keys) {
    const match = /^(?:dns:\/\/)?(.*?)(?::(\d{1,5}))?$/.exec(key);
    if (/^[a-z]+:\/\//.test(match?.[1] ?? '')) throw new CorefileFault(block.line, `"${key}" is not supported: plain DNS (dns://) is`);
    const port = Number(match?.[2] ?? defaultPort);
    const zone = zoneOf({ line: block.line, name: key, args: [] }, match?.[1] === '' ? '.' : (match?.[1] ?? '.'));
    byPort.set(port, [...(byPort.get(port) ?? []), zone]);
  }
  return [...byPort].map(([port, zones]) => {
    const made: MutableBlock = {
      zones,
      port,
      kubernetes: [],
      forwards: [],
      cache: undefined,
      hosts: undefined,
      rewrites: [],
      templates: [],
      acls: [],
      loop: false,
      loadbalance: false,
      errors: false,
      log: false,
    };
    const seen = new Set<string>();
    for (const directive of block.directives) {
      if (once.has(directive.name) && seen.has(directive.name))
        throw new CorefileFault(directive.line, `plugin/${directive.name}: this plugin can only be used once per Server Block`);
      seen.add(directive.name);
      readDirective(directive, made, config);
    }
    return made;
  });
}

const once = new Set(['kubernetes', 'cache', 'hosts', 'loop', 'ready', 'health']);

function readDirective(directive: Directive, block: MutableBlock, config: MutableConfig): void {
  const { zones } = block;
  switch (directive.name) {
    case 'kubernetes':
      block.kubernetes = [parseKubernetes(directive, zones)];
      return;
    case 'forward':
      block.forwards = [...block.forwards, parseForward(directive)];
      return;
    case 'cache':
      block.cache = parseCache(directive, zones);
      return;
    case 'hosts':
      block.hosts = parseHosts(directive, zones);
      return;
    case 'rewrite':
      block.rewrites = [...block.rewrites, parseRewrite(directive)];
      return;
    case 'template':
      block.templates = [...block.templates, parseTemplate(directive, zones)];
      return;
    case 'acl':
      block.acls = [...block.acls, parseAcl(directive, zones)];
      return;
    case 'loadbalance':
      if (directive.args.length > 0 && directive.args[0] !== 'round_robin')
        throw new CorefileFault(directive.line, `loadbalance: policy '${directive.args[0]}' is not supported`);
      block.loadbalance = true;
      return;
    case 'loop':
    case 'errors':
    case 'log':
      refuseProperties(directive);
      expectArgs(directive, 0);
      block[directive.name] = true;
      return;
    case 'reload':
      // Changes are taken over as they come.
      expectArgs(directive, 0, 2);
      for (const text of directive.args) durationMs(directive, text);
      return;
    case 'health':
      config.health = { port: httpPort(directive, 8080), lameduckMs: lameduck(directive) };
      return;
    case 'ready':
    case 'prometheus':
      refuseProperties(directive);
      config[directive.name] = { port: httpPort(directive, directive.name === 'ready' ? 8181 : 9153) };
      return;
    default:
      throw new CorefileFault(directive.line, `plugin '${directive.name}' is not supported`);
  }
}

function refuseProperties({ block }: Directive): void {
  if (block[0]) throw unknownProperty(block[0]);
}

function lameduck({ block }: Directive): number {
  let forMs = 0;
  for (const property of block) {
    if (property.name !== 'lameduck') throw unknownProperty(property);
    expectArgs(property, 1);
    forMs = durationMs(property, property.args[0]!);
  }
  return forMs;
}

function httpPort(directive: Directive, otherwise: number): number {
  expectArgs(directive, 0, 1);
  const [address] = directive.args;
  if (address === undefined) return otherwise;
  const port = Number(/^(?:[\d.]*|\[[^\]]*\]|localhost):(\d{1,5})$/.exec(address)?.[1]);
  if (!(port > 0 && port <= 65_535)) throw new CorefileFault(directive.line, `${directive.name}: invalid address '${address}'`);
  return port;
}
