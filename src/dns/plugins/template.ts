/** `template`: answers made out of the question. @source CoreDNS plugin/template/README.md; of Go's templates, the fields of the question */
import { expectArgs, fallsThrough, fallthroughOf, linearPattern, zoneOf } from '../corefile/arguments.ts';
import { CorefileFault } from '../corefile/corefile-fault.ts';
import type { Directive } from '../corefile/syntax.ts';
import { rcodeNumber, rcodes, typeName, typeNumber, typeNumbers } from '../wire/codes.ts';
import { Outcome, servfail } from '../wire/message.ts';
import { closestZone } from '../wire/names.ts';
import { type DnsRecord, parseRecord } from '../wire/records.ts';
import type { Plugin } from './plugin.ts';

export interface TemplateConfig {
  readonly type: number;
  readonly zones: readonly string[];
  readonly patterns: readonly RegExp[];
  readonly answers: readonly Template[];
  readonly additionals: readonly Template[];
  readonly authorities: readonly Template[];
  readonly rcode: number;
  readonly fallthrough: readonly string[] | undefined;
}

interface Fields {
  readonly name: string;
  readonly type: string;
  readonly zone: string;
  readonly client: string;
  readonly match: RegExpExecArray;
}

type Template = (fields: Fields) => string;

/** @throws CorefileFault */
export function parseTemplate(directive: Directive, blockZones: readonly string[]): TemplateConfig {
  const [className = '', typeText = '', ...zones] = directive.args;
  const type = typeNumber(typeText);
  if (!['IN', 'ANY'].includes(className.toUpperCase()))
    throw new CorefileFault(directive.line, `template: class "${className}" is not supported`);
  if (type === undefined) throw new CorefileFault(directive.line, `template: invalid RR type ${typeText}`);
  const patterns: RegExp[] = [];
  const texts: Record<'answer' | 'additional' | 'authority', Template[]> = { answer: [], additional: [], authority: [] };
  let rcode: number = rcodes.NOERROR;
  let fallthrough: string[] | undefined;
  for (const property of directive.block) {
    const { name, args, line } = property;
    if (name === 'match') {
      expectArgs(property, 1, Infinity);
      patterns.push(...args.map((source) => linearPattern(property, source)));
    } else if (name === 'answer' || name === 'additional' || name === 'authority') {
      expectArgs(property, 1, Infinity);
      texts[name].push(...args.map((text) => compile(text, line)));
    } else if (name === 'rcode') {
      const code = rcodeNumber(args[0] ?? '');
      if (code === undefined) throw new CorefileFault(line, `unknown rcode ${args[0] ?? ''}`);
      rcode = code;
    } else if (name === 'fallthrough') fallthrough = fallthroughOf(property);
    else throw new CorefileFault(line, `template: '${name}' is not supported`);
  }
  return {
    type,
    zones: zones.length === 0 ? blockZones : zones.map((zone) => zoneOf(directive, zone)),
    patterns: patterns.length === 0 ? [/^/] : patterns,
    answers: texts.answer,
    additionals: texts.additional,
    authorities: texts.authority,
    rcode,
    fallthrough,
  };
}

function compile(text: string, line: number): Template {
  const parts = text.split(/(\{\{.*?\}\})/).map((part): Template => {
    const inner = /^\{\{-?\s*(.*?)\s*-?\}\}$/.exec(part)?.[1];
    if (inner === undefined) return () => part;
    const group = /^\.Group\.(\w+)$/.exec(inner)?.[1];
    if (group !== undefined) return ({ match }) => match.groups?.[group] ?? '';
    const index = /^(?:index \.Match (\d{1,2})|\.Match\.(\d{1,2}))$/.exec(inner);
    if (index) return ({ match }) => match[Number(index[1] ?? index[2])] ?? '';
    const field = fields.get(inner);
    if (!field) throw new CorefileFault(line, `template: '${part}' is not supported`);
    return field;
  });
  return (values) => parts.map((part) => part(values)).join('');
}

const fields: ReadonlyMap<string, Template> = new Map<string, Template>([
  ['.Name', ({ name }) => `${name}.`],
  ['.Question.Name', ({ name }) => `${name}.`],
  ['.Type', ({ type }) => type],
  ['.Class', () => 'IN'],
  ['.Zone', ({ zone }) => `${zone}.`],
  ['.Remote', ({ client }) => client],
]);

export function templatePlugin(configs: readonly TemplateConfig[]): Plugin {
  return (next) => (request) => {
    const { name, type, client } = request;
    for (const config of configs) {
      const zone = closestZone(name, config.zones);
      if (zone === undefined || (config.type !== typeNumbers.ANY && config.type !== type)) continue;
      const match = config.patterns.map((pattern) => pattern.exec(`${name}.`)).find((each) => each !== null);
      if (!match) {
        if (!fallsThrough(name, config.fallthrough)) return new Outcome({ rcode: rcodes.NXDOMAIN, authoritative: true });
        continue;
      }
      const values: Fields = { name, type: typeName(type), zone, client: client.address, match };
      const made = (templates: readonly Template[]): (DnsRecord | string)[] => templates.map((each) => parseRecord(each(values)));
      const sections = { answers: made(config.answers), authorities: made(config.authorities), additionals: made(config.additionals) };
      if (Object.values(sections).some((records) => records.some((record) => typeof record === 'string'))) return servfail;
      // Checked above: none is a text.
      return new Outcome({ rcode: config.rcode, authoritative: true, ...(sections as Record<keyof typeof sections, DnsRecord[]>) });
    }
    return next(request);
  };
}
