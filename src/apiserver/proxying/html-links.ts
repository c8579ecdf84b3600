/**
 * Rewrites the links of an HTML page and leaves every other byte as it was. One pass over the text, hand-written: the page comes
 * from a pod, and no pattern of ours may take more than linear time on what it sends.
 * @source apimachinery pkg/util/proxy/transport.go rewriteHTML
 */

/** Attributes that hold URLs, by element. @source HTML 4.01 index of attributes */
const urlAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

/** Elements whose content is text up to their end tag. */
const rawText: ReadonlySet<string> = new Set(['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes']);

/** @param rewrite what a link becomes */
export function rewriteLinks(html: string, rewrite: (url: string) => string): string {
  let out = '';
  let copied = 0;
  let at = html.indexOf('<');
  while (at >= 0) {
    if (html.startsWith('<!--', at)) {
      at = nextTag(html, indexAfter(html, '-->', at + 4));
      continue;
    }
    const nameEnd = skip(html, at + 1, isLetterOrDigit);
    const name = html.slice(at + 1, nameEnd).toLowerCase();
    const urls = urlAttributes[name];
    let end = nameEnd;
    if (name !== '') {
      for (const { key, from, to } of attributesFrom(html, nameEnd)) {
        if (!urls?.includes(key)) continue;
        out += html.slice(copied, from) + rewrite(html.slice(from, to));
        copied = to;
      }
      end = tagEnd(html, nameEnd);
      if (rawText.has(name)) end = indexOfEndTag(html, name, end);
    }
    at = nextTag(html, Math.max(end, at + 1));
  }
  return out + html.slice(copied);
}

interface Attribute {
  readonly key: string;
  /** Where the value stands, without its quotes. */
  readonly from: number;
  readonly to: number;
}

/** The attributes with a value of a start tag whose name ends at `position`. */
function* attributesFrom(html: string, position: number): Generator<Attribute> {
  let at = skip(html, position, isSpaceOrSlash);
  while (at < html.length && html[at] !== '>') {
    const keyEnd = skip(html, at, isKey);
    const key = html.slice(at, keyEnd).toLowerCase();
    let after = skip(html, keyEnd, isSpace);
    if (html[after] === '=') {
      after = skip(html, after + 1, isSpace);
      const quote = html[after] === '"' || html[after] === "'" ? html[after]! : '';
      const from = after + quote.length;
      const to = quote === '' ? skip(html, from, isUnquoted) : indexOrEnd(html, quote, from);
      yield { key, from, to };
      after = to + quote.length;
    }
    at = skip(html, Math.max(after, at + 1), isSpaceOrSlash);
  }
}

/** Just behind the `>` of a tag, which may stand in quotes before. */
function tagEnd(html: string, position: number): number {
  let at = position;
  for (const { to } of attributesFrom(html, position)) at = to;
  return indexAfter(html, '>', at);
}

function indexOfEndTag(html: string, name: string, position: number): number {
  for (let at = html.indexOf('</', position); at >= 0; at = html.indexOf('</', at + 2)) {
    if (html.slice(at + 2, at + 2 + name.length).toLowerCase() === name) return at;
  }
  return html.length;
}

function nextTag(html: string, position: number): number {
  return html.indexOf('<', position);
}

function indexOrEnd(html: string, text: string, position: number): number {
  const at = html.indexOf(text, position);
  return at < 0 ? html.length : at;
}

function indexAfter(html: string, text: string, position: number): number {
  const at = html.indexOf(text, position);
  return at < 0 ? html.length : at + text.length;
}

function skip(html: string, position: number, matches: (char: string) => boolean): number {
  let at = position;
  while (at < html.length && matches(html[at]!)) at++;
  return at;
}

const isSpace = (char: string): boolean => char === ' ' || char === '\n' || char === '\t' || char === '\r' || char === '\f';
const isSpaceOrSlash = (char: string): boolean => char === '/' || isSpace(char);
const isKey = (char: string): boolean => char !== '=' && char !== '>' && !isSpaceOrSlash(char);
const isUnquoted = (char: string): boolean => char !== '>' && !isSpace(char);
const isLetterOrDigit = (char: string): boolean => /[a-z0-9]/i.test(char);
