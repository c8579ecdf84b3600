import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { criOutput, generateCri, readCriFacts } from './generate-cri.ts';

const data = fileURLToPath(new URL('../../shared/data', import.meta.url));
const absent = !existsSync(`${data}/cri-v1-protobuf.json`);

it.skipIf(absent)(
  `the field numbers of CRI are those published${absent ? ' (skipped: the published facts are not beside this checkout)' : ''}`,
  () => {
    expect(readFileSync(criOutput, 'utf8')).toBe(generateCri(readCriFacts(data)));
  },
);
