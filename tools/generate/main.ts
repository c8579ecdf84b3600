/** `npm run generate [-- --data DIR]`: writes everything under `src/api/gen` anew from the published facts. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readSchemaFacts } from './schema-facts.ts';
import { generateTypes } from './types.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const flag = process.argv.indexOf('--data');
const data = flag > 0 ? process.argv[flag + 1]! : `${root}../shared/data`;
const facts = readSchemaFacts(data);
const target = `${root}src/api/gen`;
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const [path, text] of generateTypes(facts)) writeFileSync(`${target}/${path}`, text);
