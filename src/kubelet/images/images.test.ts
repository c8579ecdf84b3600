import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { type Ctx, silentLogger, VirtualClock } from '../../base/index.ts';
import type { RecordedEvent } from '../../client/index.ts';
import { testPod } from '../pods/testing.ts';
import { createSimulatedRuntime } from '../runtime/simulated/index.ts';
import { ImageNameError, parseImageName, withDefaultTag } from './image-name.ts';
import { type ImageError, ImagePuller, type ImageRequest } from './image-puller.ts';
import { credentialsFor } from './pull-secrets.ts';
import { Slots } from './slots.ts';

describe('image names', () => {
  const rows: readonly (readonly [text: string, registry: string, repository: string, tag?: string])[] = [
    ['busybox', 'docker.io', 'library/busybox'],
    ['busybox:1.36', 'docker.io', 'library/busybox', '1.36'],
    ['team/app', 'docker.io', 'team/app'],
    ['quay.io/team/app:v1', 'quay.io', 'team/app', 'v1'],
    ['localhost/app', 'localhost', 'app'],
    ['127.0.0.1:5000/app:x', '127.0.0.1:5000', 'app', 'x'],
    ['[::1]:5000/app', '[::1]:5000', 'app'],
    ['index.docker.io/library/redis', 'docker.io', 'library/redis'],
  ];
  for (const [text, registry, repository, tag = ''] of rows) {
    it(`reads ${text}`, () => {
      expect(parseImageName(text)).toEqual({ registry, repository, tag, digest: '' });
    });
  }

  it('completes a name without tag and digest', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(withDefaultTag('busybox')).toBe('busybox:latest');
    expect(withDefaultTag('host:5000/busybox')).toBe('host:5000/busybox:latest');
    expect(withDefaultTag('busybox:1')).toBe('busybox:1');
    expect(withDefaultTag(`busybox@${digest}`)).toBe(`busybox@${digest}`);
  });

  it('refuses what is no name, saying why', () => {
    const bad: readonly (readonly [text: string, why: string])[] = [
      ['', 'invalid reference format'],
      ['UPPER', 'invalid reference format: repository name must be lowercase'],
      ['a:b:c', 'invalid reference format'],
      ['a b', 'invalid reference format'],
      ['a@sha256:12', 'invalid reference format'],
      ['f'.repeat(64), `invalid repository name (${'f'.repeat(64)}), cannot specify 64-byte hexadecimal strings`],
    ];
    for (const [text, why] of bad) {
      expect(() => parseImageName(text)).toThrow(new ImageNameError(`couldn't parse image name "${text}": ${why}`));
    }
  });
});

describe('credentials', () => {
  const secret = (type: string, key: string, value: unknown): corev1.Secret =>
    ({ type, data: { [key]: Buffer.from(JSON.stringify(value)).toString('base64') } }) as unknown as corev1.Secret;
  const config = (auths: object): corev1.Secret => secret('kubernetes.io/dockerconfigjson', '.dockerconfigjson', { auths });
  const users = (image: string, ...secrets: corev1.Secret[]) =>
    credentialsFor(parseImageName(image), secrets).map(({ username }) => username);
  const auth = Buffer.from('ann:secret:word').toString('base64');

  it('reads user and password from either form', () => {
    expect(credentialsFor(parseImageName('quay.io/a/b'), [config({ 'https://quay.io/v1/': { auth } })])).toEqual([
      { username: 'ann', password: 'secret:word', serverAddress: 'https://quay.io/v1/' },
    ]);
    expect(
      users('quay.io/a/b', secret('kubernetes.io/dockercfg', '.dockercfg', { 'quay.io': { username: 'bob', password: 'x' } })),
    ).toEqual(['bob']);
  });

  it('knows Docker Hub by all its names', () => {
    expect(users('busybox', config({ 'https://index.docker.io/v1/': { auth } }))).toEqual(['ann']);
  });

  it('tries the most specific first, and only those that fit', () => {
    const all = config({
      'quay.io': { username: 'host' },
      'quay.io/team': { username: 'team' },
      'quay.io/other': { username: 'other' },
      '*.example.com': { username: 'glob' },
    });
    expect(users('quay.io/team/app', all)).toEqual(['team', 'host']);
    expect(users('r.example.com/app', all)).toEqual(['glob']);
    expect(users('a.b.example.com/app', all)).toEqual([]);
  });

  it('skips a secret that cannot be read', () => {
    const broken = { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'AAA=' } } as unknown as corev1.Secret;
    expect(users('quay.io/a', broken)).toEqual([]);
  });
});

describe('the puller', () => {
  function setUp(exists: (image: string) => boolean = () => true) {
    const clock = new VirtualClock();
    const events: string[] = [];
    const { images } = createSimulatedRuntime({ clock, imageExists: exists });
    const recorder = { event: (_: unknown, { type, reason, message }: RecordedEvent) => void events.push(`${type} ${reason}: ${message}`) };
    const puller = new ImagePuller({ images, recorder, clock, backoff: { initialMs: 10_000, maxMs: 300_000 }, maxParallelPulls: 2 });
    const ctx: Ctx = { signal: new AbortController().signal, log: silentLogger };
    const ask = (image: string, policy: ImageRequest['policy']) =>
      puller
        .ensure({ pod: testPod(), image, policy, fieldPath: 'spec.containers{main}', secrets: [], sandboxConfig: {} as never }, ctx)
        .then(({ repoTags }) => repoTags[0])
        .catch((error: ImageError) => error.reason);
    return { clock, events, ask };
  }

  it('pulls what is missing, once', async () => {
    const { events, ask } = setUp();
    expect(await ask('app', 'IfNotPresent')).toBe('app:latest');
    expect(await ask('app', 'IfNotPresent')).toBe('app:latest');
    expect(events).toEqual([
      'Normal Pulling: Pulling image "app"',
      'Normal Pulled: Successfully pulled image "app" in 0s (0s including waiting). Image size: 1000000 bytes.',
      'Normal Pulled: Container image "app" already present on machine and can be accessed by the pod',
    ]);
  });

  it('pulls always when told so, and never when told so', async () => {
    const { events, ask } = setUp();
    expect(await ask('app', 'Never')).toBe('ErrImageNeverPull');
    await ask('app', 'Always');
    await ask('app', 'Always');
    expect(events.filter((event) => event.startsWith('Normal Pulling'))).toHaveLength(2);
    expect(events[0]).toBe('Warning ErrImageNeverPull: Container image "app" is not present with pull policy of Never');
  });

  it('waits longer after each failure and says what it waits for', async () => {
    const { clock, events, ask } = setUp(() => false);
    const seen: (string | undefined)[] = [];
    for (const waitMs of [0, 1000, 9001, 1000, 18_000, 2000]) {
      await clock.advance(waitMs);
      seen.push(await ask('none', 'IfNotPresent'));
    }
    expect(seen).toEqual(['ErrImagePull', 'ImagePullBackOff', 'ErrImagePull', 'ImagePullBackOff', 'ImagePullBackOff', 'ErrImagePull']);
    expect(events).toContain('Normal BackOff: Back-off pulling image "none"');
    expect(events.find((event) => event.startsWith('Warning Failed'))).toMatch(
      /^Warning Failed: Failed to pull image "none": rpc error: code = NotFound desc = /,
    );
  });

  it('refuses a name that is none', async () => {
    const { events, ask } = setUp();
    expect(await ask('NO', 'IfNotPresent')).toBe('InvalidImageName');
    expect(events[0]).toMatch(/^Warning InspectFailed: Failed to apply default image tag "NO": couldn't parse image name/);
  });
});

describe('slots', () => {
  it('lets only so many work at once, in order', async () => {
    const slots = new Slots(2);
    const { signal } = new AbortController();
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    const started: number[] = [];
    const all = gates.map((gate, i) =>
      slots.use(async () => {
        started.push(i);
        await gate.promise;
      }, signal),
    );
    await Promise.resolve();
    expect(started).toEqual([0, 1]);
    gates[1]!.resolve();
    await all[1];
    await Promise.resolve();
    expect(started).toEqual([0, 1, 2]);
    for (const gate of gates) gate.resolve();
    await Promise.all(all);
    expect(started).toEqual([0, 1, 2, 3]);
  });

  it('gives up waiting when told to, and loses no slot by it', async () => {
    const slots = new Slots(1);
    const stop = new AbortController();
    const gate = Promise.withResolvers<void>();
    const first = slots.use(() => gate.promise, stop.signal);
    const second = slots.use(() => Promise.resolve(), stop.signal);
    stop.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    gate.resolve();
    await first;
    await expect(slots.use(() => Promise.resolve('free'), new AbortController().signal)).resolves.toBe('free');
  });
});
