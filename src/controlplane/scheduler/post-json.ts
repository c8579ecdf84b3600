/** How extenders are reached: JSON by POST, over HTTP or HTTPS with the extender's own authorities. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../../base/index.ts';
import { ComponentError } from '../component/index.ts';
import type { ExtenderConfiguration, PostJson } from '../../scheduler/index.ts';

/** Longest answer that is read. */
const maxAnswerBytes = 64 * 2 ** 20;

export function postJsonTo(extender: ExtenderConfiguration, clock: Clock): PostJson {
  const { httpTimeoutMs, tls } = extender;
  const read = (data: string, file: string): string | undefined => data || (file === '' ? undefined : readFileSync(file, 'utf8'));
  const identity = tls && {
    rejectUnauthorized: !tls.insecure,
    ...(tls.serverName !== '' && { servername: tls.serverName }),
    ca: read(tls.caData, tls.caFile),
    cert: read(tls.certData, tls.certFile),
    key: read(tls.keyData, tls.keyFile),
  };
  const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true, ...identity }) };
  return async (url, body) => {
    const payload = JSON.stringify(body);
    const secure = url.startsWith('https:');
    const late = new AbortController();
    using _timer = clock.setTimer(httpTimeoutMs, () => late.abort(new ComponentError(`no answer from ${url} in ${httpTimeoutMs} ms`)));
    const options = {
      method: 'POST',
      agent: secure ? agents.https : agents.http,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
      signal: late.signal,
    };
    const { status, text } = await send((secure ? https : http).request(url, options), payload);
    if (status < 200 || status > 299) throw new ComponentError(`failed ${url} with code ${status}`);
    return text === '' ? {} : (JSON.parse(text) as unknown);
  };
}

function send(request: http.ClientRequest, payload: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > maxAnswerBytes) request.destroy(new ComponentError(`the extender's answer is longer than ${maxAnswerBytes} bytes`));
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    request.end(payload);
  });
}
