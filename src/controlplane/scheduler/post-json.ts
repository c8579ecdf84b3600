/** How extenders are reached: JSON by POST, over HTTP or HTTPS with the extender's own authorities. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../../base/index.ts';
import { ComponentError } from '../component/index.ts';
import type { ExtenderConfiguration, PostJson } from '../../scheduler/index.ts';

/** Longest answer that is read. */
const maxAnswerBytes = 64 * 2 ** 20;

/**
 * Files are read at once, so that what is wrong with them shows at the start.
 * @source kube-scheduler extender.go (makeTransport, send), v1.35
 * @throws ComponentError when the TLS settings contradict each other
 */
export function postJsonTo(extender: ExtenderConfiguration, clock: Clock): PostJson {
  const { httpTimeoutMs, urlPrefix } = extender;
  const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true, ...identityOf(extender) }) };
  return async (url, body) => {
    const payload = JSON.stringify(body);
    const secure = url.startsWith('https:');
    const late = new AbortController();
    const why = `Post ${JSON.stringify(url)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
    using _timer = clock.setTimer(httpTimeoutMs, () => late.abort(new ComponentError(why)));
    const options = {
      method: 'POST',
      agent: secure ? agents.https : agents.http,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
      signal: late.signal,
    };
    let answer;
    try {
      answer = await send((secure ? https : http).request(url, options), payload);
    } catch (error) {
      if (late.signal.aborted) throw late.signal.reason;
      throw new ComponentError(`Post ${JSON.stringify(url)}: ${(error as Error).message}`, { cause: error });
    }
    if (answer.status !== 200) {
      const verb = url.slice(urlPrefix.replace(/\/+$/, '').length + 1);
      throw new ComponentError(`failed ${verb} with extender at URL ${url}, code ${answer.status}`);
    }
    return parsed(url, answer.text);
  };
}

function identityOf({ tls, enableHttps }: ExtenderConfiguration): https.AgentOptions {
  const read = (data = '', file = ''): string | undefined => data || (file === '' ? undefined : readFileSync(file, 'utf8'));
  const ca = read(tls?.caData, tls?.caFile);
  const [cert, key] = [read(tls?.certData, tls?.certFile), read(tls?.keyData, tls?.keyFile)];
  if (tls?.insecure && ca !== undefined)
    throw new ComponentError('specifying a root certificates file with the insecure flag is not allowed');
  if ((cert === undefined) !== (key === undefined)) throw new ComponentError('a client certificate needs both certificate and key');
  // Switching HTTPS on without an authority means that nobody is asked for a certificate that can be trusted.
  const trusting = (tls?.insecure ?? false) || (enableHttps && ca === undefined);
  return {
    rejectUnauthorized: !trusting,
    ...(tls?.serverName && { servername: tls.serverName }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
  };
}

function parsed(url: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ComponentError(`the answer of ${url} is no JSON: ${(error as Error).message}`, { cause: error });
  }
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
