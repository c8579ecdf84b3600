/**
 * `rewrite`: questions are looked up under another name or type, and answers told under the name that was asked for.
 * @source CoreDNS plugin/rewrite/README.md
 */
import { expectArgs, linearPattern, type Said, ttlSeconds } from '../corefile/arguments.ts';
import { CorefileFault } from '../corefile/corefile-fault.ts';
import type { Directive } from '../corefile/syntax.ts';
import { typeNumber } from '../wire/codes.ts';
import { Outcome, servfail } from '../wire/message.ts';
import { parseName } from '../wire/names.ts';
import { type DnsRecord, targetOf, withTarget } from '../wire/records.ts';
import { andThen, type Plugin } from './plugin.ts';

/** The name after the rule; undefined where the rule does not apply. Names end in a dot, as rules are written. */
type Renaming = (name: string) => string | undefined;

interface NameRule {
  readonly type: 'name';
  readonly rename: Renaming;
  /** Answers get back the name asked for. */
  readonly auto: boolean;
  readonly answerNames: readonly Renaming[];
  readonly answerValues: readonly Renaming[];
}

type Rule = (
  | NameRule
  | { readonly type: 'type'; readonly from: number; readonly to: number }
  | { readonly type: 'ttl'; readonly matches: Renaming; readonly ttl: number }
) & {
  readonly goesOn: boolean;
};

export type RewriteRule = Rule;

/** @throws CorefileFault */
export function parseRewrite(directive: Directive): RewriteRule {
  const args = [...directive.args];
  const mode = args[0] === 'continue' || args[0] === 'stop' ? args.shift() : undefined;
  const goesOn = mode === 'continue';
  // The form in braces says the same in several lines.
  for (const { name, args: more } of directive.block) args.push(name, ...more);
  const field = args.shift();
  const said: Said = { line: directive.line, name: `rewrite ${field ?? ''}`.trim(), args };
  switch (field) {
    case 'name':
      return { ...nameRule(said), goesOn };
    case 'type': {
      expectArgs(said, 2);
      const [from, to] = args.map((word) => typeNumber(word));
      if (from === undefined || to === undefined) throw new CorefileFault(said.line, `invalid type in '${said.name} ${args.join(' ')}'`);
      return { type: 'type', from, to, goesOn };
    }
    case 'ttl': {
      const { rename, rest } = renaming(said, { to: false });
      return { type: 'ttl', matches: rename, ttl: ttlSeconds({ ...said, args: rest }), goesOn };
    }
    case 'class':
    case 'edns0':
    case 'rcode':
    case 'cname':
      throw new CorefileFault(said.line, `rewrite: '${field}' is not supported`);
    default:
      throw new CorefileFault(said.line, `invalid rule type "${field ?? ''}"`);
  }
}

function nameRule(said: Said): NameRule {
  const { rename, rest, kind } = renaming(said, { to: true });
  const answerNames: Renaming[] = [];
  const answerValues: Renaming[] = [];
  let auto = kind === 'exact';
  while (rest.length > 0) {
    const [keyword, what = '', from = '', to = ''] = rest;
    if (keyword !== 'answer') throw new CorefileFault(said.line, `exceeded the number of arguments: unexpected "${keyword}"`);
    if (what === 'auto') {
      auto = true;
      rest.splice(0, 2);
    } else if ((what === 'name' || what === 'value') && to !== '') {
      (what === 'name' ? answerNames : answerValues).push(byPattern(said, from, to));
      rest.splice(0, 4);
    } else throw new CorefileFault(said.line, `answer takes 'auto', 'name FROM TO' or 'value FROM TO'`);
  }
  return { type: 'name', rename, auto, answerNames, answerValues };
}

const kinds = ['exact', 'prefix', 'suffix', 'substring', 'regex'] as const;
type Kind = (typeof kinds)[number];

function renaming(said: Said, { to: takesTo }: { readonly to: boolean }): { rename: Renaming; rest: string[]; kind: Kind } {
  const rest = [...said.args];
  const kind = kinds.find((each) => each === rest[0]) ?? 'exact';
  if (kind === rest[0]) rest.shift();
  const from = rest.shift();
  const to = takesTo ? rest.shift() : '';
  if (from === undefined || to === undefined) throw new CorefileFault(said.line, `few arguments: ${said.name} takes FROM and TO`);
  return { rename: renameBy(said, { kind, from, to }), rest, kind };
}

function renameBy(said: Said, { kind, from, to }: { readonly kind: Kind; readonly from: string; readonly to: string }): Renaming {
  const [lowerFrom, lowerTo] = [from.toLowerCase(), to.toLowerCase()];
  const dotted = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
  switch (kind) {
    case 'exact':
      return (name) => (name === dotted(lowerFrom) ? dotted(lowerTo) : undefined);
    case 'prefix':
      return (name) => (name.startsWith(lowerFrom) ? lowerTo + name.slice(lowerFrom.length) : undefined);
    case 'suffix': {
      const [end, other] = [dotted(lowerFrom), dotted(lowerTo)];
      return (name) => (name.endsWith(end) ? name.slice(0, -end.length) + other : undefined);
    }
    case 'substring':
      return (name) => (name.includes(lowerFrom) ? name.replaceAll(lowerFrom, () => lowerTo) : undefined);
    default:
      return byPattern(said, from, to);
  }
}

/** A pattern and what takes its place, with `{1}` for what its first group caught. */
function byPattern(said: Said, from: string, to: string): Renaming {
  const pattern = linearPattern(said, from);
  return (name) => {
    const match = pattern.exec(name);
    return match ? to.replaceAll(/\{(\d{1,2})\}/g, (_whole, group: string) => match[Number(group)] ?? '').toLowerCase() : undefined;
  };
}

export function rewritePlugin(rules: readonly RewriteRule[]): Plugin {
  return (next) => (request) => {
    let { name, type } = request;
    let ttl: number | undefined;
    const back: ((record: DnsRecord) => DnsRecord)[] = [];
    for (const rule of rules) {
      if (rule.type === 'type') {
        if (rule.from !== type) continue;
        type = rule.to;
      } else if (rule.type === 'ttl') {
        if (rule.matches(`${name}.`) === undefined) continue;
        ttl = rule.ttl;
      } else {
        const renamed = rule.rename(`${name}.`);
        if (renamed === undefined) continue;
        const to = parseName(renamed);
        // What a pattern made is no name: nobody can be asked.
        if (to === undefined) return servfail;
        back.unshift(renamer(rule, { asked: name, lookedUp: to }));
        name = to;
      }
      if (!rule.goesOn) break;
    }
    if (name === request.name && type === request.type && ttl === undefined) return next(request);
    return andThen(next({ ...request, name, type }), (outcome) => {
      const told = (record: DnsRecord): DnsRecord => {
        const renamed = back.reduce((each, change) => change(each), record);
        return ttl === undefined ? renamed : { ...renamed, ttl };
      };
      return new Outcome({
        rcode: outcome.rcode,
        authoritative: outcome.authoritative,
        answers: withLifetime(outcome).map(told),
        authorities: outcome.authorities,
        additionals: outcome.additionals.map(told),
      });
    });
  };
}

/** Records of a kept answer live as long as that one still does. */
function withLifetime({ answers, ttl }: Outcome): readonly DnsRecord[] {
  return ttl === undefined ? answers : answers.map((record) => ({ ...record, ttl }));
}

function renamer(
  rule: NameRule,
  { asked, lookedUp }: { readonly asked: string; readonly lookedUp: string },
): (record: DnsRecord) => DnsRecord {
  const by = (renamings: readonly Renaming[], name: string): string | undefined => {
    for (const rename of renamings) {
      const renamed = rename(`${name}.`);
      if (renamed !== undefined) return parseName(renamed);
    }
    return undefined;
  };
  return (record) => {
    const owner = by(rule.answerNames, record.name) ?? (rule.auto && record.name === lookedUp ? asked : record.name);
    const target = targetOf(record);
    const value = target === undefined ? undefined : by(rule.answerValues, target);
    const named = owner === record.name ? record : { ...record, name: owner };
    return value === undefined ? named : withTarget(named, value);
  };
}
