import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../api/index.ts';
import { VirtualClock } from '../base/index.ts';
import type { Lister } from '../client/index.ts';
import { CaughtUp } from './caught-up.ts';

const object = (version: number, changes: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'ns', uid: 'u', resourceVersion: String(version), creationTimestamp: '', ...changes },
});

/** A cache that a test fills by hand. */
class HandCache implements Lister<KubeObject> {
  readonly #objects = new Map<string, KubeObject>();
  get = ({ name }: { readonly name: string }): KubeObject | undefined => this.#objects.get(name);
  list = (): readonly KubeObject[] => [...this.#objects.values()];
  byIndex = (): readonly KubeObject[] => [];
  set = (shown: KubeObject): void => void this.#objects.set(shown.metadata.name, shown);
  delete = (name: string): void => void this.#objects.delete(name);
}

describe('a cache', () => {
  it('has caught up when it shows what was written, or something newer', () => {
    const caughtUp = new CaughtUp(new VirtualClock());
    const cache = new HandCache();
    expect(caughtUp.isCaughtUp('key', cache)).toBe(true);
    caughtUp.wrote('key', object(9));
    expect(caughtUp.isCaughtUp('key', cache)).toBe(false);
    cache.set(object(8));
    expect(caughtUp.isCaughtUp('key', cache)).toBe(false);
    cache.set(object(10));
    expect(caughtUp.isCaughtUp('key', cache)).toBe(true);
    expect(caughtUp.isCaughtUp('other', cache)).toBe(true);
  });

  it('has caught up with a deletion when the object is gone, going or another', () => {
    const caughtUp = new CaughtUp(new VirtualClock());
    const cache = new HandCache();
    for (const after of [undefined, object(2, { deletionTimestamp: 'now' }), object(3, { uid: 'other' })]) {
      cache.set(object(1));
      caughtUp.deleted('key', object(1));
      expect(caughtUp.isCaughtUp('key', cache)).toBe(false);
      cache.delete('a');
      if (after) cache.set(after);
      expect(caughtUp.isCaughtUp('key', cache)).toBe(true);
      cache.delete('a');
    }
  });

  it('is not waited for longer than half a minute', async () => {
    const clock = new VirtualClock();
    const caughtUp = new CaughtUp(clock);
    caughtUp.wrote('key', object(9));
    await clock.advance(30_001);
    expect(caughtUp.isCaughtUp('key', new HandCache())).toBe(true);
  });
});
