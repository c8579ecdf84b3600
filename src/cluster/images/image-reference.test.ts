import { expect, test } from 'vitest';
import { fullImageName } from './image-reference.ts';

test.each([
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36'],
  ['team/app', 'docker.io/team/app:latest'],
  ['registry.k8s.io/pause:3.9', 'registry.k8s.io/pause:3.9'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/a/b:v1', 'localhost:5000/a/b:v1'],
  [`app@sha256:${'a'.repeat(64)}`, `docker.io/library/app@sha256:${'a'.repeat(64)}`],
])('%s is %s in full', (name, full) => {
  expect(fullImageName(name)).toBe(full);
});

test.each(['', 'UPPER', 'a//b', 'a:', 'a b', '-a', 'a@sha256:12'])('"%s" is refused', (name) => {
  expect(() => fullImageName(name)).toThrow('not an image name');
});
