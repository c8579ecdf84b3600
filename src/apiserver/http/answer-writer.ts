/** Writes answers and failures to an exchange in the form that the client takes: headers, encoding, compression, warnings. */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { ApiError, JsonObject } from '../../api/index.ts';
import { encodeCbor } from '../../api/cbor/index.ts';
import { parseJson, stringifyJson } from '../../api/json/index.ts';
import { encodeProtobuf, hasProtobuf } from '../../api/protobuf/index.ts';
import { definitionOfKind } from '../../api/schema/index.ts';
import type { Clock } from '../../base/index.ts';
import { Overloaded } from '../flowcontrol/index.ts';
import { cborEvents } from '../rendering/cbor-events.ts';
import { type EventForm, jsonEvents } from '../rendering/rendering.ts';
import type { Renderings } from '../rendering/renderings.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { ApiResponse, ResponseHeaders, ResponseSink } from '../request.ts';
import type { Answer } from '../verbs/answer.ts';
import { indentedJson, yamlText } from './document-text.ts';
import type { OutgoingHeaders } from './exchange.ts';
import { GzipSink } from './gzip-sink.ts';
import { type HttpCall, warningHeader } from './http-call.ts';
import { maxWholeListBytes, wholeList, writeList } from './list-writer.ts';
import { wholeMessageList, writeMessageList } from './message-list-writer.ts';
import { acceptable, type AcceptedForm, contentTypeOf, negotiate, wantsPretty } from './negotiation.ts';
import { WatchStream } from './watch-stream.ts';

const gzipAsync = promisify(gzip);

/** Smaller bodies are not worth compressing. @source apiserver responsewriters/writers.go defaultGzipThresholdBytes */
const gzipThresholdBytes = 128 * 1024;

/** @source apiserver: level 1 costs a fifth of the default and gives most of its size */
const gzipOptions = { level: constants.Z_BEST_SPEED };

const jsonType = 'application/json';

export interface Written {
  readonly status: number;
  /** Bytes of the body before compression, as far as they are known. */
  readonly bytes: number;
}

export class AnswerWriter {
  readonly #renderings: Renderings;
  readonly #clock: Clock;
  readonly #cbor: boolean;

  /** @param options.cbor whether the server speaks CBOR, which is off by default upstream */
  constructor(options: { readonly renderings: Renderings; readonly clock: Clock; readonly cbor?: boolean }) {
    this.#renderings = options.renderings;
    this.#clock = options.clock;
    this.#cbor = options.cbor === true;
  }

  /** Resolves when the answer is complete. @throws ApiError NotAcceptable before anything is written */
  write(call: HttpCall, answer: Answer): Promise<Written> {
    switch (answer.type) {
      case 'stored': {
        const form = this.#form(call, answer.view);
        if (form.as === 'object' && form.encoding === 'json' && !isPretty(call, form)) {
          return this.#send(call, answer.status, jsonType, answer.view.textOf(answer.object));
        }
        if (form.encoding === 'protobuf') {
          const bytes = this.#renderings.protobuf(answer.view, form).object(answer.object);
          return this.#send(call, answer.status, contentTypeOf('protobuf'), bytes);
        }
        const rendering = this.#renderings.of(answer.view, form, call.info.query);
        return this.#document(call, answer.status, form, rendering.object(answer.object));
      }
      case 'list':
        return this.#list(call, answer);
      case 'watch':
        return this.#watch(call, answer);
      case 'object':
        return this.#object(call, answer);
      case 'bytes': {
        const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
        return this.#send(call, answer.status, answer.contentType, body, answer.headers);
      }
      case 'stream':
        return this.#stream(call, answer);
      default:
        return connectionEnded(call).then(() => ({ status: 101, bytes: 0 }));
    }
  }

  /** A failure as a Status in the encoding that the client takes, in indented JSON when there is none. */
  fail(call: HttpCall, error: ApiError): Promise<Written> {
    if (error instanceof Overloaded) {
      const headers = { ...error.headers, 'retry-after': String(error.retryAfterSeconds), 'x-content-type-options': 'nosniff' };
      return this.#send(call, error.code, 'text/plain; charset=utf-8', Buffer.from(`${error.message}\n`), headers);
    }
    // A Status is a JSON tree.
    const status = error.toStatus() as unknown as JsonObject;
    const form = acceptable(call.header('accept'), { plainOnly: true, cbor: this.#cbor });
    if (form) return this.#plainObject(call, error.code, form, status, retryAfter(error));
    return this.#send(call, error.code, jsonType, Buffer.from(JSON.stringify(status, undefined, 2)), retryAfter(error));
  }

  #form(call: HttpCall, view: ResourceView, watch = false): AcceptedForm {
    return negotiate(call.header('accept'), { watch, noProtobuf: !view.hasProtobuf, cbor: this.#cbor });
  }

  #object(call: HttpCall, answer: Extract<ApiResponse, { readonly type: 'object' }>): Promise<Written> {
    // An object is a JSON tree.
    const object = answer.object as JsonObject;
    const noProtobuf = definitionOf(object) === undefined;
    const form = negotiate(call.header('accept'), { plainOnly: true, noProtobuf, cbor: this.#cbor });
    return this.#plainObject(call, answer.status, form, object, answer.headers);
  }

  /** An object that is no stored one: an answer of its own kind. */
  #plainObject(call: HttpCall, status: number, form: AcceptedForm, object: JsonObject, headers?: ResponseHeaders): Promise<Written> {
    if (form.encoding !== 'protobuf') return this.#document(call, status, form, Buffer.from(stringifyJson(object)), headers);
    const { apiVersion = '', kind = '' } = object as { readonly apiVersion?: string; readonly kind?: string };
    // Negotiation asked whether there is one.
    const bytes = encodeProtobuf({ ...object, apiVersion, kind }, definitionOf(object)!);
    return this.#send(call, status, contentTypeOf('protobuf'), bytes, headers);
  }

  /** One JSON document in the encoding that the client wants. */
  #document(call: HttpCall, status: number, form: AcceptedForm, json: Uint8Array, headers?: ResponseHeaders): Promise<Written> {
    if (form.encoding === 'yaml') {
      return this.#send(call, status, 'application/yaml', yamlText(json), headers);
    }
    if (form.encoding === 'cbor') {
      return this.#send(call, status, contentTypeOf('cbor'), encodeCbor(parseJson(json).value), headers);
    }
    const body = isPretty(call, form) ? indentedJson(json) : Buffer.concat([json, newline]);
    return this.#send(call, status, jsonType, body, headers);
  }

  async #list(call: HttpCall, answer: Extract<Answer, { readonly type: 'list' }>): Promise<Written> {
    const form = this.#form(call, answer.view);
    const { page } = answer;
    if (form.encoding === 'protobuf') return this.#messageList(call, answer, form);
    const rendering = this.#renderings.of(answer.view, form, call.info.query);
    if (form.encoding !== 'json' || isPretty(call, form)) {
      // Without a limit there is always a whole.
      return this.#document(call, 200, form, wholeList(page, rendering)!.subarray(0, -1));
    }
    const whole = wholeList(page, rendering, maxWholeListBytes);
    if (whole) return this.#send(call, 200, jsonType, whole);
    let bytes = 0;
    await this.#chunked(call, jsonType, async (sink) => {
      bytes = await writeList(page, rendering, sink);
    });
    return { status: 200, bytes };
  }

  async #messageList(call: HttpCall, { view, page }: Extract<Answer, { readonly type: 'list' }>, form: AcceptedForm): Promise<Written> {
    const list = await this.#renderings.protobuf(view, form).list(page, () => turnOfTheLoop());
    const type = contentTypeOf('protobuf');
    if (list.totalBytes <= maxWholeListBytes) return this.#send(call, 200, type, wholeMessageList(list));
    await this.#chunked(call, type, (sink) => writeMessageList(list, sink));
    return { status: 200, bytes: list.totalBytes };
  }

  /** Sends what is too long for one buffer, packed when the client takes that. */
  async #chunked(call: HttpCall, contentType: string, produce: (sink: ResponseSink) => Promise<void>): Promise<void> {
    const headers = this.#headers(call, contentType);
    const isGzip = takesGzip(call);
    if (isGzip) headers['content-encoding'] = 'gzip';
    const response = call.exchange.open(200, headers);
    if (isGzip) {
      const gzipSink = new GzipSink(response);
      await produce(gzipSink);
      await gzipSink.finish();
    } else {
      await produce(response);
    }
    response.end();
  }

  async #watch(call: HttpCall, answer: Extract<Answer, { readonly type: 'watch' }>): Promise<Written> {
    const form = this.#form(call, answer.view, true);
    const events = this.#events(call, answer.view, form);
    let stream: WatchStream | undefined;
    const watch = await answer.open(() => stream?.onEvents());
    const response = call.exchange.open(200, this.#headers(call, contentTypeOf(form.encoding, true)));
    stream = new WatchStream(response, events);
    const onInitialSent = (): void => call.seat?.release();
    await stream.serve(watch, { clock: this.#clock, timeoutMs: answer.timeoutMs, signal: call.signal, onInitialSent });
    return { status: 200, bytes: 0 };
  }

  #events(call: HttpCall, view: ResourceView, form: AcceptedForm): EventForm {
    if (form.encoding === 'protobuf') return this.#renderings.protobuf(view, form);
    const rendering = this.#renderings.of(view, form, call.info.query);
    return form.encoding === 'cbor' ? cborEvents(rendering) : jsonEvents(rendering);
  }

  async #stream(call: HttpCall, answer: Extract<ApiResponse, { readonly type: 'stream' }>): Promise<Written> {
    const headers = this.#headers(call, answer.contentType);
    addHeaders(headers, answer.headers);
    const response = call.exchange.open(answer.status, headers);
    let bytes = 0;
    try {
      await answer.produce({
        write: (chunk) => {
          bytes += chunk.length;
          return response.write(chunk);
        },
      });
      response.end();
    } catch (error) {
      // The head is out: the client can only be told by breaking off.
      response.abort();
      if (!call.signal.aborted) throw error;
    }
    return { status: answer.status, bytes };
  }

  async #send(call: HttpCall, status: number, contentType: string, body: Uint8Array, more?: ResponseHeaders): Promise<Written> {
    const headers = this.#headers(call, contentType);
    addHeaders(headers, more);
    const isHead = call.method === 'HEAD';
    let sent = isHead ? noBody : body;
    if (sent.length >= gzipThresholdBytes && headers['content-encoding'] === undefined && takesGzip(call)) {
      headers['content-encoding'] = 'gzip';
      sent = await gzipAsync(sent, gzipOptions);
    }
    headers['content-length'] = String(isHead ? body.length : sent.length);
    call.exchange.send(status, headers, sent);
    return { status, bytes: body.length };
  }

  #headers(call: HttpCall, contentType: string): OutgoingHeaders {
    const headers: OutgoingHeaders = {
      'audit-id': call.auditId,
      'cache-control': 'no-cache, private',
      'content-type': contentType,
    };
    const classified = call.seat?.headers;
    if (classified) Object.assign(headers, classified);
    if (call.warnings.length > 0) headers['warning'] = call.warnings.map(warningHeader);
    return headers;
  }
}

const noBody = Buffer.alloc(0);
const newline = Buffer.from('\n');

function addHeaders(headers: OutgoingHeaders, more: ResponseHeaders | undefined): void {
  if (!more) return;
  for (const [name, value] of Object.entries(more)) headers[name.toLowerCase()] = typeof value === 'string' ? value : [...value];
}

/** Resolves when the connection that left HTTP has ended. */
function connectionEnded(call: HttpCall): Promise<void> {
  const socket = call.upgrade?.socket;
  if (!socket || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once('close', resolve);
  });
}

function isPretty(call: HttpCall, form: AcceptedForm): boolean {
  return wantsPretty(form, call.info.query.get('pretty'), call.userAgent);
}

/** Resolves when what waited in the loop had its turn. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** The message of an object that is no stored one, such as a Status or a TokenRequest; undefined when there is none. */
function definitionOf(object: JsonObject): string | undefined {
  const { apiVersion = 'v1', kind = '' } = object as { readonly apiVersion?: string; readonly kind?: string };
  const slash = apiVersion.indexOf('/');
  const known = definitionOfKind({ group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind });
  return known !== undefined && hasProtobuf(known) ? known : undefined;
}

function takesGzip(call: HttpCall): boolean {
  return call.header('accept-encoding')?.includes('gzip') === true;
}

function retryAfter(error: ApiError): Readonly<Record<string, string>> | undefined {
  const seconds = error.details?.retryAfterSeconds;
  return seconds === undefined ? undefined : { 'retry-after': String(seconds) };
}
