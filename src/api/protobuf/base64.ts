/** Bytes as JSON writes them. The platform's own encoder is no part of this room. */
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

const values = new Uint8Array(128);
for (let i = 0; i < letters.length; i++) values[letters.charCodeAt(i)] = i;

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i]!, bytes[i + 1], bytes[i + 2]];
    text += letters[a >> 2]! + letters[((a & 3) << 4) | ((b ?? 0) >> 4)]!;
    text += b === undefined ? '=' : letters[((b & 15) << 2) | ((c ?? 0) >> 6)]!;
    text += c === undefined ? '=' : letters[c & 63]!;
  }
  return text;
}

/** @param text valid, as every decoded object has it */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  let { length } = text;
  while (length > 0 && text.charCodeAt(length - 1) === padding) length--;
  const bytes = new Uint8Array((length * 3) >> 2);
  let held = 0;
  let at = 0;
  for (let i = 0; i < length; i++) {
    held = (held << 6) | values[text.charCodeAt(i) & 0x7f]!;
    const bits = (i & 3) * 2;
    if (bits > 0) bytes[at++] = held >> (6 - bits);
    held &= 0xfff;
  }
  return bytes;
}

const padding = '='.charCodeAt(0);
