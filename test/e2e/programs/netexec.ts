/**
 * The program of the image `netexec`: a server in a pod that tells who it is and who asks, and asks others when it is told to, so that a
 * test sees the network as a pod does. It answers what the pages of agnhost's `netexec`, `serve-hostname` and `porter` answer; what it adds
 * are `/connect`, `/resolve` and `/hold`. It imports nothing of Knarr: it runs by itself.
 *
 * Flags: `--http-port` (8080), `--udp-port` (8081), `--serve-hostname` (`/` says the hostname), `--delay-shutdown` (seconds to go on
 * serving after SIGTERM). Environment: `SERVE_PORT_n` and `SERVE_TLS_PORT_n` (content served at that port; TLS with TLS_CERT and TLS_KEY).
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { lookup, Resolver } from 'node:dns/promises';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    'http-port': { type: 'string', default: '8080' },
    'udp-port': { type: 'string', default: '8081' },
    'serve-hostname': { type: 'boolean', default: false },
    'delay-shutdown': { type: 'string', default: '0' },
    'json-response': { type: 'boolean', default: false },
  },
});
const askTimeoutMs = 5000;
const connectTimeoutMs = 2000;

type Page = (query: URLSearchParams, request: IncomingMessage, response: ServerResponse) => Promise<string | object> | string | object;

const pages: Readonly<Record<string, Page>> = {
  '/': () => (flags['serve-hostname'] ? hostname() : `NOW: ${new Date().toISOString()}`),
  '/healthz': () => '',
  '/hostname': () => hostname(),
  '/hostName': () => hostname(),
  '/clientip': (_query, { socket }) => joinHostPort(socket.remoteAddress ?? '', socket.remotePort ?? 0),
  '/header': (query, { headers }) => String(headers[(query.get('key') ?? '').toLowerCase()] ?? ''),
  '/headers': (_query, { headers }) => headers,
  '/echo': (query, _request, response) => {
    response.statusCode = Number(query.get('code') ?? 200);
    return query.get('msg') ?? '';
  },
  '/redirect': (query, _request, response) => {
    response.statusCode = Number(query.get('code') ?? 302);
    response.setHeader('Location', query.get('location') ?? '/');
    return '';
  },
  '/exit': (query) => process.exit(Number(query.get('code') ?? 0)),
  '/dial': dial,
  '/connect': async (query) => {
    const [host, port] = [query.get('host') ?? '', Number(query.get('port'))];
    const timeoutMs = Number(query.get('timeoutMs') ?? connectTimeoutMs);
    if (query.get('protocol') !== 'udp') return connectTo(host, port, timeoutMs);
    const socket = await openUdp(host, port);
    const answer = await askOver(socket, timeoutMs);
    socket.close();
    return answer === 'answered' ? 'open' : answer;
  },
  '/resolve': resolve,
  '/hold': hold,
};

/** Asks `host:port` `tries` times; protocol `http` gets the page `request`, `udp` sends it as a datagram. */
async function dial(query: URLSearchParams): Promise<object> {
  const host = query.get('host') ?? '';
  const port = Number(query.get('port'));
  const ask = query.get('protocol') === 'udp' ? askUdp : askHttp;
  const responses: string[] = [];
  const errors: string[] = [];
  for (let i = 0; i < Number(query.get('tries') ?? 1); i++) {
    try {
      responses.push(await ask(host, port, query.get('request') ?? 'hostname'));
    } catch (error) {
      errors.push(String(error));
    }
  }
  return { responses, ...(errors.length > 0 && { errors }) };
}

function askHttp(host: string, port: number, page: string): Promise<string> {
  return new Promise((answered, failed) => {
    // A connection of its own: a kept one would always lead to the same endpoint.
    const asked = httpRequest({ host, port, path: `/${page}`, agent: false, timeout: askTimeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => answered(Buffer.concat(chunks).toString()));
      response.on('error', failed);
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', failed);
    asked.end();
  });
}

async function askUdp(host: string, port: number, text: string): Promise<string> {
  const { address, family } = await lookup(host);
  return new Promise((answered, failed) => {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    const timer = setTimeout(() => end(() => failed(new Error('timeout'))), askTimeoutMs);
    const end = (then: () => void): void => {
      clearTimeout(timer);
      socket.close();
      then();
    };
    socket.on('error', (error) => end(() => failed(error)));
    socket.on('message', (bytes) => end(() => answered(bytes.toString())));
    socket.send(text, port, address);
  });
}

/** `open`, or the error's code, such as ECONNREFUSED; `TIMEOUT` when nothing answers. */
function connectTo(host: string, port: number, timeoutMs: number): Promise<string> {
  return new Promise((answered) => {
    const socket = connect({ host, port });
    const end = (text: string): void => {
      clearTimeout(timer);
      socket.destroy();
      answered(text);
    };
    const timer = setTimeout(() => end('TIMEOUT'), timeoutMs);
    socket.once('connect', () => end('open'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

/** Addresses as the pod's programs find them (hosts file, search list), or with `type` the records of a full name. */
async function resolve(query: URLSearchParams): Promise<object> {
  const name = query.get('name') ?? '';
  const type = query.get('type');
  try {
    if (!type) return { addresses: (await lookup(name, { all: true })).map(({ address }) => address) };
    return { records: type === 'PTR' ? await new Resolver().reverse(name) : await new Resolver().resolve(name, type) };
  } catch (error) {
    return { error: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

/** A datagram socket that speaks to one other only, always from the same port. */
async function openUdp(host: string, port: number): Promise<UdpSocket> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  await new Promise<void>((connected) => socket.connect(port, address, connected));
  return socket;
}

function askOver(socket: UdpSocket, timeoutMs: number): Promise<string> {
  return new Promise((answered) => {
    const end = (text: string): void => {
      clearTimeout(timer);
      socket.off('message', take).off('error', fail);
      answered(text);
    };
    const take = (): void => end('answered');
    const fail = (error: NodeJS.ErrnoException): void => end(error.code ?? error.message);
    const timer = setTimeout(() => end('TIMEOUT'), timeoutMs);
    socket.on('message', take).on('error', fail);
    socket.send('hostname', (error) => error && fail(error));
  });
}

const held = new Map<string, Socket>();
const heldUdp = new Map<string, UdpSocket>();

/**
 * A connection that stays open between two questions. `do=open` connects (`host`, `port`) under the name `as`; `do=ask` sends a request
 * over it and says what came back, `TIMEOUT` or the error's code. With `protocol=udp` it is what a connection is there: one source port.
 */
async function hold(query: URLSearchParams): Promise<string> {
  const name = query.get('as') ?? '';
  const timeoutMs = Number(query.get('timeoutMs') ?? connectTimeoutMs);
  if (query.get('protocol') === 'udp') {
    if (query.get('do') === 'open') heldUdp.set(name, await openUdp(query.get('host') ?? '', Number(query.get('port'))));
    const socket = heldUdp.get(name);
    return socket ? askOver(socket, timeoutMs) : 'NOT OPEN';
  }
  if (query.get('do') === 'open') {
    const socket = connect({ host: query.get('host') ?? '', port: Number(query.get('port')) });
    const outcome = await new Promise<string>((answered) => {
      const timer = setTimeout(() => answered('TIMEOUT'), timeoutMs);
      socket.once('connect', () => answered('open'));
      socket.once('error', (error: NodeJS.ErrnoException) => answered(error.code ?? error.message));
      socket.once('close', () => clearTimeout(timer));
    });
    socket.on('error', () => {});
    if (outcome === 'open') held.set(name, socket);
    else socket.destroy();
    return outcome;
  }
  const socket = held.get(name);
  if (!socket) return 'NOT OPEN';
  return new Promise((answered) => {
    const end = (text: string): void => {
      clearTimeout(timer);
      socket.off('data', take).off('close', closed);
      answered(text);
    };
    const take = (bytes: Buffer): void => end(bytes.toString().startsWith('HTTP/1.1 200') ? 'answered' : bytes.toString());
    const closed = (): void => end('CLOSED');
    const timer = setTimeout(() => end('TIMEOUT'), timeoutMs);
    socket.on('data', take).on('close', closed);
    if (socket.destroyed) closed();
    else socket.write('GET /healthz HTTP/1.1\r\nHost: held\r\n\r\n');
  });
}

function joinHostPort(host: string, port: number): string {
  const plain = host.replace(/^::ffff:/, '');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://pod');
  const page = pages[pathname];
  if (!page) return void response.writeHead(404).end('404 page not found\n');
  const answer = await page(searchParams, request, response);
  if (typeof answer !== 'string') response.setHeader('Content-Type', 'application/json');
  response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
}

const http = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
});
// Connections that tests hold open between two looks must not end by themselves.
const keepAliveTimeout = 600_000;
http.keepAliveTimeout = keepAliveTimeout;
http.listen(Number(flags['http-port']));

const udp = createSocket('udp6', (message, { address, port }) => {
  const text = message.toString().trim();
  const answer = /^hostname$/i.test(text)
    ? hostname()
    : text === 'clientip'
      ? joinHostPort(address, port)
      : text.startsWith('echo ')
        ? text.slice('echo '.length)
        : 'unknown request';
  udp.send(answer, port, address);
});
udp.bind(Number(flags['udp-port']));

for (const [name, content = ''] of Object.entries(process.env)) {
  const [, tls, port] = /^SERVE_(TLS_)?PORT_(\d+)$/.exec(name) ?? [];
  if (!port) continue;
  const answer = ({ method }: IncomingMessage, response: ServerResponse): void => {
    if (flags['json-response']) return void response.end(JSON.stringify({ Method: method, Body: content }));
    if (content.startsWith('<')) response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(content);
  };
  const server = tls ? createTlsServer({ cert: process.env['TLS_CERT'], key: process.env['TLS_KEY'] }, answer) : createServer(answer);
  server.keepAliveTimeout = keepAliveTimeout;
  server.listen(Number(port));
}

process.on('SIGTERM', () => setTimeout(() => process.exit(0), Number(flags['delay-shutdown']) * 1000));
