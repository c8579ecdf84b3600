/** The directive `forward`. @source CoreDNS plugin/forward/README.md */
import { isIP } from 'node:net';
import { rcodeNumber, rcodes } from '../wire/codes.ts';
import { parseName } from '../wire/names.ts';
import { durationMs, expectArgs, unknownProperty, wholeNumber, zoneOf } from './arguments.ts';
import { CorefileFault } from './corefile-fault.ts';
import type { Directive, Property } from './syntax.ts';

export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

export interface ForwardConfig {
  /** Names below this are forwarded. */
  readonly from: string;
  /** Whom to ask; `node` stands for the resolvers of the node (a `resolv.conf`). */
  readonly to: readonly (ServerAddress | 'node')[];
  readonly except: readonly string[];
  readonly policy: 'random' | 'round_robin' | 'sequential';
  readonly forceTcp: boolean;
  /** Failed probes after which a server counts as down; 0: it never does. */
  readonly maxFails: number;
  readonly healthCheck: { readonly everyMs: number; readonly recursionDesired: boolean; readonly domain: string };
  /** Questions at once; undefined: as many as this server takes. */
  readonly maxConcurrent: number | undefined;
  /** Answers with these codes let the next server be asked. */
  readonly failover: readonly number[];
  /** SERVFAIL at once while every server is down. */
  readonly failFast: boolean;
}

/** The resolvers' usual port. */
const dnsPort = 53;
const maxServers = 15;

/** @throws CorefileFault */
export function parseForward(directive: Directive): ForwardConfig {
  const [from, ...to] = directive.args;
  if (from === undefined || to.length === 0)
    throw new CorefileFault(directive.line, 'forward takes a zone and at least one server: forward FROM TO...');
  if (to.length > maxServers) throw new CorefileFault(directive.line, `more than ${maxServers} TOs configured: ${to.length}`);
  const config: { -readonly [Key in keyof ForwardConfig]: ForwardConfig[Key] } = {
    from: zoneOf(directive, from),
    to: to.map((text) => serverAddress(directive, text)),
    except: [],
    policy: 'random',
    forceTcp: false,
    maxFails: 2,
    healthCheck: { everyMs: 500, recursionDesired: true, domain: '' },
    maxConcurrent: undefined,
    failover: [],
    failFast: false,
  };
  for (const property of directive.block) Object.assign(config, forwardProperty(property));
  return config;
}

function forwardProperty(property: Property): Partial<ForwardConfig> {
  const { name, args, line } = property;
  const [first = ''] = args;
  switch (name) {
    case 'except':
      expectArgs(property, 1, Infinity);
      return { except: args.map((zone) => zoneOf(property, zone)) };
    case 'policy':
      expectArgs(property, 1);
      if (first !== 'random' && first !== 'round_robin' && first !== 'sequential')
        throw new CorefileFault(line, `unknown policy '${first}'`);
      return { policy: first };
    case 'force_tcp':
      expectArgs(property, 0);
      return { forceTcp: true };
    case 'prefer_udp':
      // As it is done anyway.
      expectArgs(property, 0);
      return {};
    case 'max_fails':
      expectArgs(property, 1);
      return { maxFails: wholeNumber(property, first, { min: 0, max: 0xffff_ffff }) };
    case 'health_check':
      return { healthCheck: healthCheck(property) };
    case 'max_concurrent':
      expectArgs(property, 1);
      return { maxConcurrent: wholeNumber(property, first, { min: 1, max: 1_000_000 }) };
    case 'expire':
      // Connections are not kept at all; that they are closed in time is true.
      expectArgs(property, 1);
      durationMs(property, first);
      return {};
    case 'max_idle_conns':
    case 'max_connect_attempts':
      expectArgs(property, 1);
      wholeNumber(property, first, { min: 0, max: 0xffff_ffff });
      return {};
    case 'failover':
      expectArgs(property, 1, Infinity);
      return { failover: args.map((text) => failoverCode(property, text)) };
    case 'failfast_all_unhealthy_upstreams':
      expectArgs(property, 0);
      return { failFast: true };
    case 'tls':
    case 'tls_servername':
    case 'next':
    case 'next_on_nodata':
    case 'resolver':
    case 'doh_method':
      throw new CorefileFault(line, `forward: '${name}' is not supported`);
    default:
      throw unknownProperty(property);
  }
}

function healthCheck(property: Property): ForwardConfig['healthCheck'] {
  const [duration, ...rest] = property.args;
  if (duration === undefined) throw new CorefileFault(property.line, 'health_check takes a duration');
  let recursionDesired = true;
  let domain = '';
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === 'no_rec') recursionDesired = false;
    else if (word === 'domain') {
      const name = parseName(rest.shift() ?? '');
      if (name === undefined) throw new CorefileFault(property.line, 'health_check: invalid domain name');
      domain = name;
    } else throw new CorefileFault(property.line, `health_check: unknown option ${word}`);
  }
  return { everyMs: durationMs(property, duration), recursionDesired, domain };
}

function failoverCode(property: Property, text: string): number {
  const code = rcodeNumber(text);
  if (code === undefined || code === rcodes.NOERROR) throw new CorefileFault(property.line, `${text} cannot be a code of failover`);
  return code;
}

function serverAddress(directive: Directive, text: string): ServerAddress | 'node' {
  if (text.startsWith('/')) {
    if (text === '/etc/resolv.conf') return 'node';
    throw new CorefileFault(directive.line, `forward: files other than /etc/resolv.conf are not supported: ${text}`);
  }
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1];
  if (scheme !== undefined && scheme !== 'dns') throw new CorefileFault(directive.line, `forward: ${scheme}:// is not supported: ${text}`);
  const plain = text.replace(/^dns:\/\//, '');
  const [, bracketed, bracketedPort] = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(plain) ?? [];
  const [, four, fourPort] = /^([\d.]+)(?::(\d{1,5}))?$/.exec(plain) ?? [];
  const address = bracketed ?? four ?? plain;
  const port = Number(bracketedPort ?? fourPort ?? dnsPort);
  if (isIP(address) === 0 || port < 1 || port > 65_535) throw new CorefileFault(directive.line, `not an IP address or file: "${text}"`);
  return { address, port };
}
