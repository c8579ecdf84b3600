/** JSON as Go's encoder writes a map: keys in order, and `<`, `>`, `&` escaped. Hashes of revisions are taken of these bytes. */
import type { JsonValue } from '../../api/index.ts';

const escaped = /[<>&\u2028\u2029]/g;

export function goJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(goJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    fields.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${fields.map(([key, field]) => `${text(key)}:${goJson(field)}`).join(',')}}`;
  }
  if (typeof value === 'string') return text(value);
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

function text(value: string): string {
  return JSON.stringify(value).replace(escaped, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
