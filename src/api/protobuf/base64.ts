/** Bytes as JSON writes them. The platform's own encoder is no part of this room. */
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

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
