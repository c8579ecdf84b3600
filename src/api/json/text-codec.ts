/** The one platform piece that reading JSON needs: bytes to text and back. Declared here because this room compiles without a platform's types. */
declare class TextDecoder {
  constructor(label: 'utf-8', options: { readonly ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, bytes: Uint8Array): { readonly read: number };
}

// A byte order mark stays in the text, where it is a syntax error, as upstream has it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** UTF-8 to text; invalid bytes become U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Writes as much of the text as fits; tells how many of its UTF-16 units did. */
export function textInto(text: string, bytes: Uint8Array): number {
  return encoder.encodeInto(text, bytes).read;
}
