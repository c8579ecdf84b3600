/** A registry of the least kind: it hands out the blobs of one image and remembers who asked for what. Plain HTTP, or TLS when given keys. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestRegistry extends AsyncDisposable {
  readonly port: number;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
}

/**
 * Serves an unpacked OCI layout under every repository name.
 * @source distribution specification 1.1: pulling manifests and blobs
 */
export async function startRegistry(layout: string, tls?: { readonly cert: string; readonly key: string }): Promise<TestRegistry> {
  const blobs = new Map(
    readdirSync(join(layout, 'blobs/sha256')).map((digest) => [`sha256:${digest}`, readFileSync(join(layout, 'blobs/sha256', digest))]),
  );
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string; mediaType: string }[] };
  const { digest: manifest, mediaType } = index.manifests[0]!;
  const asked: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '';
    asked.push(path);
    const [, kind, reference = ''] = /^\/v2\/.+\/(manifests|blobs)\/([^?]+)/.exec(path) ?? [];
    const digest = kind === 'manifests' && !reference.startsWith('sha256:') ? manifest : reference;
    const bytes = blobs.get(digest);
    if (!bytes) {
      response.writeHead(path.startsWith('/v2/?') || path === '/v2/' ? 200 : 404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': kind === 'manifests' ? mediaType : 'application/octet-stream',
      'content-length': bytes.length,
      'docker-content-digest': `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
  const server = tls ? createTlsServer(tls, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
