/**
 * Shows what differs between two values, as the message about a forbidden change does: fields with their Go names, old lines with
 * `-`, new ones with `+`, and how many fields are the same.
 * @source github.com/google/go-cmp, whose exact spacing is random on purpose
 */
import { goJson } from '../../../go-text.ts';
import { sameJson } from '../../immutable.ts';

/** @param typeName such as `core.PodSpec` */
export function describeDiff(typeName: string, old: object, now: object): string {
  const lines = [`  ${typeName}{`];
  describeFields(old as Fields, now as Fields, '  \t', lines);
  lines.push('  }');
  return `${lines.join('\n')}\n`;
}

type Fields = Readonly<Record<string, unknown>>;

function describeFields(old: Fields, now: Fields, indent: string, lines: string[]): void {
  let same = 0;
  const flush = (): void => {
    if (same > 0) lines.push(`${indent}... // ${same} identical field${same === 1 ? '' : 's'}`);
    same = 0;
  };
  for (const field of [...new Set([...Object.keys(old), ...Object.keys(now)])].sort()) {
    if (sameJson(old[field], now[field])) {
      if (!sameJson(old[field], undefined)) same++;
      continue;
    }
    flush();
    describeField({ name: goName(field), old: old[field], now: now[field] }, indent, lines);
  }
  flush();
}

function describeField(
  field: { readonly name: string; readonly old: unknown; readonly now: unknown },
  indent: string,
  lines: string[],
): void {
  const { name, old, now } = field;
  if (isFields(old) && isFields(now)) {
    lines.push(`${indent}${name}: {`);
    describeFields(old, now, `${indent}\t`, lines);
    lines.push(`${indent}},`);
  } else if (Array.isArray(old) && Array.isArray(now)) {
    lines.push(`${indent}${name}: {`);
    describeItems(old, now, `${indent}\t`, lines);
    lines.push(`${indent}},`);
  } else {
    if (old !== undefined) lines.push(`-${indent.slice(1)}${name}: ${goJson(old)},`);
    if (now !== undefined) lines.push(`+${indent.slice(1)}${name}: ${goJson(now)},`);
  }
}

function describeItems(old: readonly unknown[], now: readonly unknown[], indent: string, lines: string[]): void {
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    const [a, b] = [old[i], now[i]];
    if (sameJson(a, b)) continue;
    if (isFields(a) && isFields(b)) {
      lines.push(`${indent}{`);
      describeFields(a, b, `${indent}\t`, lines);
      lines.push(`${indent}},`);
    } else {
      if (i < old.length) lines.push(`-${indent.slice(1)}${goJson(a)},`);
      if (i < now.length) lines.push(`+${indent.slice(1)}${goJson(b)},`);
    }
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function goName(field: string): string {
  return field.charAt(0).toUpperCase() + field.slice(1);
}
