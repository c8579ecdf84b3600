/** Writes answers and failures to an exchange in the form that the client takes: headers, encoding, compression, warnings. */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { ApiError, JsonObject, KubeObject } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import type { Clock } from '../../base/index.ts';
import { Overloaded } from '../flowcontrol/index.ts';
import type { Renderings } from '../rendering/renderings.ts';
import type { ApiResponse, ResponseHeaders } from '../request.ts';
import type { Answer } from '../verbs/answer.ts';
import { indentedJson, yamlText } from './document-text.ts';
import type { OutgoingHeaders } from './exchange.ts';
import { GzipSink } from './gzip-sink.ts';
import { type HttpCall, warningHeader } from './http-call.ts';
import { maxWholeListBytes, wholeList, writeList } from './list-writer.ts';
import { type AcceptedForm, negotiate, wantsPretty } from './negotiation.ts';
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

  constructor(options: { readonly renderings: Renderings; readonly clock: Clock }) {
    this.#renderings = options.renderings;
    this.#clock = options.clock;
  }

  /** Resolves when the answer is complete. @throws ApiError NotAcceptable before anything is written */
  write(call: HttpCall, answer: Answer): Promise<Written> {
    switch (answer.type) {
      case 'stored': {
        const form = this.#form(call);
        if (form.as === 'object' && form.encoding === 'json' && !isPretty(call, form)) {
          return this.#send(call, answer.status, jsonType, answer.view.textOf(answer.object));
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

  /** A failure as a Status document, whatever the client accepts. */
  fail(call: HttpCall, error: ApiError): Promise<Written> {
    if (error instanceof Overloaded) {
      const headers = { ...error.headers, 'retry-after': String(error.retryAfterSeconds), 'x-content-type-options': 'nosniff' };
      return this.#send(call, error.code, 'text/plain; charset=utf-8', Buffer.from(`${error.message}\n`), headers);
    }
    return this.#send(call, error.code, jsonType, Buffer.from(`${stringifyJson(error.toStatus())}\n`), retryAfter(error));
  }

  #form(call: HttpCall): AcceptedForm {
    return negotiate(call.header('accept'));
  }

  #object(call: HttpCall, answer: Extract<ApiResponse, { readonly type: 'object' }>): Promise<Written> {
    const form = negotiateObject(call, answer.object);
    return this.#document(call, answer.status, form, Buffer.from(stringifyJson(answer.object)), answer.headers);
  }

  /** One JSON document in the encoding that the client wants. */
  #document(call: HttpCall, status: number, form: AcceptedForm, json: Uint8Array, headers?: ResponseHeaders): Promise<Written> {
    if (form.encoding === 'yaml') {
      return this.#send(call, status, 'application/yaml', yamlText(json), headers);
    }
    const body = isPretty(call, form) ? indentedJson(json) : Buffer.concat([json, newline]);
    return this.#send(call, status, jsonType, body, headers);
  }

  async #list(call: HttpCall, answer: Extract<Answer, { readonly type: 'list' }>): Promise<Written> {
    const form = this.#form(call);
    const { page } = answer;
    const rendering = this.#renderings.of(answer.view, form, call.info.query);
    if (form.encoding === 'yaml' || isPretty(call, form)) {
      // Without a limit there is always a whole.
      return this.#document(call, 200, form, wholeList(page, rendering)!.subarray(0, -1));
    }
    const whole = wholeList(page, rendering, maxWholeListBytes);
    if (whole) return this.#send(call, 200, jsonType, whole);
    const headers = this.#headers(call, jsonType);
    const isGzip = takesGzip(call);
    if (isGzip) headers['content-encoding'] = 'gzip';
    const response = call.exchange.open(200, headers);
    let bytes: number;
    if (isGzip) {
      const gzipSink = new GzipSink(response);
      bytes = await writeList(page, rendering, gzipSink);
      await gzipSink.finish();
    } else {
      bytes = await writeList(page, rendering, response);
    }
    response.end();
    return { status: 200, bytes };
  }

  async #watch(call: HttpCall, answer: Extract<Answer, { readonly type: 'watch' }>): Promise<Written> {
    const rendering = this.#renderings.of(answer.view, this.#form(call), call.info.query);
    let stream: WatchStream | undefined;
    const watch = await answer.open(() => stream?.onEvents());
    const response = call.exchange.open(200, this.#headers(call, jsonType));
    stream = new WatchStream(response, rendering);
    const onInitialSent = (): void => call.seat?.release();
    await stream.serve(watch, { clock: this.#clock, timeoutMs: answer.timeoutMs, signal: call.signal, onInitialSent });
    return { status: 200, bytes: 0 };
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

/** A Status goes out whatever the client accepts; other objects that are no resource have one form. */
function negotiateObject(call: HttpCall, object: KubeObject | JsonObject): AcceptedForm {
  const accept = call.header('accept');
  return object.kind === 'Status' ? negotiate(undefined) : negotiate(accept, { plainOnly: true });
}

function takesGzip(call: HttpCall): boolean {
  return call.header('accept-encoding')?.includes('gzip') === true;
}

function retryAfter(error: ApiError): Readonly<Record<string, string>> | undefined {
  const seconds = error.details?.retryAfterSeconds;
  return seconds === undefined ? undefined : { 'retry-after': String(seconds) };
}
