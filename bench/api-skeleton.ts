/**
 * The least server that could answer like an API server: TLS, HTTP/2, JSON.parse, one awaited LMDB put, JSON.stringify. No users, no
 * schema, no admission, no fields' owners. What the API server costs is told as a multiple of it, measured in the same run.
 * `node bench/api-skeleton.ts DIRECTORY CERT KEY` prints its port.
 */
import { readFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { open as openLmdb } from 'lmdb';

interface Stored {
  metadata: { name: string; resourceVersion?: string };
}

const [directory, cert, key] = process.argv.slice(2) as [string, string, string];
const database = openLmdb<Buffer, string>({ path: directory, encoding: 'binary', compression: false, maxReaders: 8 });
/** By collection's path. */
const collections = new Map<string, Map<string, Buffer>>();
const watchers = new Set<ServerHttp2Stream>();
let frames: Buffer[] = [];
let revision = 0;

const jsonHeaders = { ':status': 200, 'content-type': 'application/json' };
const listStart = Buffer.from('{"kind":"ConfigMapList","apiVersion":"v1","items":[');
const comma = Buffer.from(',');
const listEnd = Buffer.from(']}\n');
const chunkBytes = 128 * 1024;

function collectionAt(path: string): Map<string, Buffer> {
  let objects = collections.get(path);
  if (!objects) collections.set(path, (objects = new Map()));
  return objects;
}

async function write(stream: ServerHttp2Stream, objects: Map<string, Buffer>, body: Buffer): Promise<void> {
  const object = JSON.parse(body.toString()) as Stored;
  object.metadata.resourceVersion = String(++revision);
  const text = Buffer.from(JSON.stringify(object));
  await database.put(object.metadata.name, text);
  objects.set(object.metadata.name, text);
  if (watchers.size > 0) tell(text);
  answer(stream, text);
}

function tell(text: Buffer): void {
  frames.push(Buffer.concat([Buffer.from('{"type":"MODIFIED","object":'), text, Buffer.from('}\n')]));
  if (frames.length > 1) return;
  setImmediate(() => {
    const all = Buffer.concat(frames);
    frames = [];
    for (const watcher of watchers) watcher.write(all);
  });
}

function answer(stream: ServerHttp2Stream, body: Buffer): void {
  stream.respond({ ...jsonHeaders, 'content-length': body.length });
  stream.end(body);
}

async function list(stream: ServerHttp2Stream, objects: ReadonlyMap<string, Buffer>): Promise<void> {
  stream.respond(jsonHeaders);
  let parts: Buffer[] = [listStart];
  let bytes = 0;
  let first = true;
  for (const object of objects.values()) {
    if (!first) parts.push(comma);
    first = false;
    parts.push(object);
    bytes += object.length + 1;
    if (bytes < chunkBytes) continue;
    if (!stream.write(Buffer.concat(parts))) await new Promise((resolve) => stream.once('drain', resolve));
    parts = [];
    bytes = 0;
  }
  stream.end(Buffer.concat([...parts, listEnd]));
}

const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
server.on('stream', (any, headers) => {
  // A server's streams are server streams.
  const stream = any as ServerHttp2Stream;
  const method = headers[':method'];
  const [path = '', query = ''] = headers[':path']!.split('?');
  const { collection, name = '' } = /^(?<collection>.*\/configmaps)\/?(?<name>.*)$/.exec(path)!.groups!;
  const objects = collectionAt(collection!);
  if (method === 'GET') {
    if (query.startsWith('watch')) {
      stream.respond(jsonHeaders);
      watchers.add(stream);
      stream.on('close', () => watchers.delete(stream));
    } else if (name !== '') answer(stream, objects.get(name)!);
    else void list(stream, objects);
    return;
  }
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  stream.on('end', () => void write(stream, objects, pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)));
});
server.on('sessionError', () => {});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
