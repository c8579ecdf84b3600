/**
 * Domain names as text and on the wire. As text: lower case, labels joined by dots, no final dot; the root is empty. Bytes stand for
 * themselves (latin1); a dot or a backslash inside a label is escaped by a backslash, so that no two names share a text.
 */

/** Longest name and label in octets. @source RFC 1035 §2.3.4 */
const maxName = 255;
const maxLabel = 63;

export interface ReadName {
  readonly name: string;
  /** Where the message goes on after the name. */
  readonly end: number;
}

/**
 * The name at `at`, in lower case.
 * @param options.pointers false: a compressed name is refused, as in a question
 * @returns undefined for what is no name: cut off, too long, or pointers that do not lead back
 */
export function readName(bytes: Uint8Array, at: number, options: { readonly pointers: boolean }): ReadName | undefined {
  let name = '';
  let total = 1;
  let end = -1;
  let from = at;
  for (;;) {
    const length = bytes[from];
    if (length === undefined) return undefined;
    if (length === 0) return { name, end: end < 0 ? from + 1 : end };
    if (length >= 0xc0) {
      const low = bytes[from + 1];
      if (!options.pointers || low === undefined) return undefined;
      const target = ((length & 0x3f) << 8) | low;
      // Backwards only: that is how names were written, and it ends.
      if (target >= from) return undefined;
      if (end < 0) end = from + 2;
      from = target;
      continue;
    }
    total += length + 1;
    if (length > maxLabel || total > maxName || from + length >= bytes.length) return undefined;
    if (name !== '') name += '.';
    for (let i = from + 1; i <= from + length; i++) {
      const byte = bytes[i]!;
      if (byte === 0x2e || byte === 0x5c) name += '\\';
      name += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
    }
    from += length + 1;
  }
}

/** The labels of a name in text, unescaped. */
export function labelsOf(name: string): string[] {
  if (name === '') return [];
  if (!name.includes('\\')) return name.split('.');
  const labels = [''];
  for (let i = 0; i < name.length; i++) {
    if (name[i] === '\\') labels.push((labels.pop() ?? '') + (name[++i] ?? ''));
    else if (name[i] === '.') labels.push('');
    else labels.push((labels.pop() ?? '') + name[i]!);
  }
  return labels;
}

/** A name that was written by a person: lower case, without the final dot; undefined when it is none. */
export function parseName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/(?<!\\)\.$/, '');
  if (text === '.') return '';
  const labels = labelsOf(name);
  const total = labels.reduce((sum, label) => sum + label.length + 1, 1);
  const good = labels.length > 0 && labels.every((label) => label !== '' && label.length <= maxLabel);
  // oxlint-disable-next-line no-control-regex
  return good && total <= maxName && /^[\x21-\x7e]*$/.test(name) ? name : undefined;
}

/** A name's bytes, uncompressed. */
export function nameBytes(name: string): Buffer {
  const labels = labelsOf(name);
  const bytes = Buffer.allocUnsafe(labels.reduce((sum, label) => sum + label.length + 1, 1));
  let at = 0;
  for (const label of labels) {
    bytes[at++] = label.length;
    at += bytes.write(label, at, 'latin1');
  }
  bytes[at] = 0;
  return bytes;
}

/** Whether `name` is `zone` or lies below it. */
export function isWithin(name: string, zone: string): boolean {
  if (zone === '') return true;
  if (!name.endsWith(zone)) return false;
  const before = name.length - zone.length - 1;
  return before < 0 || (name.charCodeAt(before) === 0x2e && name.charCodeAt(before - 1) !== 0x5c);
}

/** The longest of the zones that `name` lies in. */
export function closestZone(name: string, zones: readonly string[]): string | undefined {
  let best: string | undefined;
  for (const zone of zones) if (isWithin(name, zone) && (best === undefined || zone.length > best.length)) best = zone;
  return best;
}
