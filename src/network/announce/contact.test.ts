import { expect, test } from 'vitest';
import { ApiError, type corev1, type KubeObject } from '../../api/index.ts';
import { VirtualClock } from '../../base/index.ts';
import { ConnectionError } from '../../client/index.ts';
import { Contact } from './contact.ts';

/** A node whose server and cache show it at a version each; an error is what asking ends with. */
class Scene {
  readonly clock = new VirtualClock(0);
  server: number | Error = 1;
  cached = 1;
  readonly contact = new Contact({
    nodeName: 'a',
    client: {
      get: async <T extends KubeObject>(): Promise<T> => {
        if (this.server instanceof Error) throw this.server;
        return this.#node(this.server) as KubeObject as T;
      },
    },
    nodes: { get: () => this.#node(this.cached) },
    clock: this.clock,
  });

  #node(version: number): corev1.Node {
    return { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a', resourceVersion: String(version) } } as corev1.Node;
  }

  /** Asks each second for so long; whether the contact is lost then. */
  async after(seconds: number): Promise<boolean> {
    for (let i = 0; i < seconds; i++) {
      await this.clock.advance(1000);
      await this.contact.ask(new AbortController().signal);
    }
    return this.contact.lost;
  }
}

const refused = new ConnectionError('connect ECONNREFUSED', { sent: false });

test('silence is borne for forty seconds, and is forgotten when an answer comes', async () => {
  const scene = new Scene();
  scene.server = refused;
  expect(await scene.after(39)).toBe(false);
  scene.server = 1;
  await scene.after(1);
  scene.server = refused;
  expect(await scene.after(39)).toBe(false);
  expect(await scene.after(1)).toBe(true);
});

test('an answer that does not come is silence, and no end', async () => {
  const scene = new Scene();
  scene.server = new DOMException('This operation was aborted', 'AbortError');
  expect(await scene.after(39)).toBe(false);
  expect(await scene.after(1)).toBe(true);
});

test('silence counts from the first question after a time without any', async () => {
  const scene = new Scene();
  await scene.after(1);
  await scene.clock.advance(3_600_000);
  scene.server = refused;
  expect(await scene.after(40)).toBe(false);
  expect(await scene.after(1)).toBe(true);
});

test('a refusal is an answer', async () => {
  const scene = new Scene();
  scene.server = new ApiError({ code: 403, reason: 'Forbidden', message: 'no' });
  expect(await scene.after(100)).toBe(false);
});

test('after a silence the node waits until its cache shows what the server has', async () => {
  const scene = new Scene();
  scene.server = refused;
  expect(await scene.after(40)).toBe(true);
  scene.server = 2;
  expect(await scene.after(10)).toBe(true);
  scene.cached = 2;
  expect(await scene.after(1)).toBe(false);
});
