/** `acl`: who may ask for what. @source CoreDNS plugin/acl/README.md */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { zoneOf } from '../corefile/arguments.ts';
import { CorefileFault } from '../corefile/corefile-fault.ts';
import type { Directive, Property } from '../corefile/syntax.ts';
import { rcodes, typeNumber } from '../wire/codes.ts';
import { Outcome, refused } from '../wire/message.ts';
import { closestZone } from '../wire/names.ts';
import type { Plugin } from './plugin.ts';

type Range = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

interface Rule {
  readonly action: 'allow' | 'block' | 'filter' | 'drop';
  /** Undefined: all. */
  readonly types: ReadonlySet<number> | undefined;
  readonly sources: readonly Range[] | undefined;
}

export interface AclConfig {
  readonly zones: readonly string[];
  readonly rules: readonly Rule[];
}

const actions = ['allow', 'block', 'filter', 'drop'] as const;

/** @throws CorefileFault */
export function parseAcl(directive: Directive, blockZones: readonly string[]): AclConfig {
  const zones = directive.args.length === 0 ? blockZones : directive.args.map((zone) => zoneOf(directive, zone));
  return { zones, rules: directive.block.map((property) => ruleOf(property)) };
}

function ruleOf(property: Property): Rule {
  const action = actions.find((each) => each === property.name);
  if (!action) throw new CorefileFault(property.line, `unexpected token "${property.name}"; expect 'allow', 'block', 'filter' or 'drop'`);
  const types = new Set<number>();
  const sources: Range[] = [];
  let section: 'type' | 'net' | undefined;
  let anyType = true;
  let anySource = true;
  for (const word of property.args) {
    if (word === 'type' || word === 'net') {
      section = word;
      if (word === 'type') anyType = false;
      else anySource = false;
    } else if (section === undefined) throw new CorefileFault(property.line, `unexpected token "${word}"; expect 'type' or 'net'`);
    else if (section === 'type') {
      const type = typeNumber(word);
      if (word === '*') anyType = true;
      else if (type === undefined) throw new CorefileFault(property.line, `unexpected token "${word}"; expect legal QTYPE`);
      else types.add(type);
    } else if (word === '*') anySource = true;
    else sources.push(rangeOf(property, word));
  }
  return { action, types: anyType ? undefined : types, sources: anySource ? undefined : sources };
}

function rangeOf(property: Property, text: string): Range {
  const [address = ''] = text.split('/');
  const family = isIP(address);
  const cidr = text.includes('/') ? text : `${text}/${family === 4 ? 32 : 128}`;
  if (family === 0 || !ipaddr.isValidCIDR(cidr)) throw new CorefileFault(property.line, `illegal CIDR notation "${text}"`);
  return ipaddr.parseCIDR(cidr);
}

const filtered = new Outcome({ rcode: rcodes.NOERROR });

export function aclPlugin({ zones, rules }: AclConfig): Plugin {
  return (next) => (request) => {
    if (closestZone(request.name, zones) === undefined) return next(request);
    const source = ipaddr.process(request.client.address);
    const rule = rules.find(
      ({ types, sources }) =>
        (!types || types.has(request.type)) &&
        (!sources || sources.some((range) => source.kind() === range[0].kind() && source.match(range as never))),
    );
    switch (rule?.action) {
      case 'block':
        return refused;
      case 'filter':
        return filtered;
      case 'drop':
        return 'dropped';
      default:
        return next(request);
    }
  };
}
