import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSchemaFacts } from './schema-facts.ts';
import { generateTypes } from './types.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const data = `${root}../shared/data`;
const target = `${root}src/api/gen`;

test.skipIf(!existsSync(data))(
  'the generated types are what the generator writes (skips without the published schema beside the checkout)',
  () => {
    const files = generateTypes(readSchemaFacts(data));
    expect(readdirSync(target).toSorted()).toEqual([...files.keys()].toSorted());
    const stale = [...files].filter(([path, text]) => readFileSync(`${target}/${path}`, 'utf8') !== text).map(([path]) => path);
    // Otherwise: `npm run generate`.
    expect(stale).toEqual([]);
  },
);
