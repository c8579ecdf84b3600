import { expect, test } from 'vitest';
import { imagesToShare } from './share-images.ts';
import { pauseImageName } from './pause-image-name.ts';

const image = (name: string, id: string) => ({ name, id, sizeBytes: 1 });

test('what was built or loaded is shared, what was pulled is not', () => {
  const here = [
    image('knarr.local/toolbox:1', 'sha256:a'),
    image('docker.io/library/nginx:1', 'sha256:b'),
    image('docker.io/library/nginx@sha256:b', 'sha256:b'),
    image(pauseImageName, 'sha256:c'),
  ];
  expect(imagesToShare(here, [])).toEqual(['knarr.local/toolbox:1']);
});

test('an image that is there is left alone, one that was built anew is not', () => {
  const here = [image('knarr.local/a:1', 'sha256:a'), image('knarr.local/b:1', 'sha256:new')];
  expect(imagesToShare(here, [image('knarr.local/a:1', 'sha256:a'), image('knarr.local/b:1', 'sha256:old')])).toEqual(['knarr.local/b:1']);
});
