import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { generateProtobuf, packagesOf } from './protobuf.ts';
import { readSchemaFacts } from './schema-facts.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const data = `${root}../shared/data`;

test.skipIf(!existsSync(data))(
  'the messages are what the generator writes (skips without the published field numbers beside the checkout)',
  () => {
    const text = generateProtobuf(data, packagesOf(readSchemaFacts(data)));
    // Otherwise: `npm run generate`.
    expect(readFileSync(`${root}src/api/protobuf/gen/messages.json`, 'utf8') === text).toBe(true);
  },
);
