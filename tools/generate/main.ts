/**
 * `npm run generate [-- --data DIR]`: writes `src/api/gen`, `src/api/schema/gen` and `src/api/protobuf/gen` anew from the published
 * facts; `go-fields.json` comes from a program of its own.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generateProtobuf, packagesOf } from './protobuf.ts';
import { readSchemaFacts } from './schema-facts.ts';
import { generateSchema } from './schema.ts';
import { generateTypes } from './types.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const flag = process.argv.indexOf('--data');
const data = flag > 0 ? process.argv[flag + 1]! : `${root}../shared/data`;
const facts = readSchemaFacts(data);

const types = `${root}src/api/gen`;
rmSync(types, { recursive: true, force: true });
mkdirSync(types, { recursive: true });
for (const [path, text] of generateTypes(facts)) writeFileSync(`${types}/${path}`, text);

const schema = `${root}src/api/schema/gen`;
mkdirSync(schema, { recursive: true });
writeFileSync(`${schema}/facts.json`, generateSchema(facts));

writeFileSync(`${root}src/api/protobuf/gen/messages.json`, generateProtobuf(data, packagesOf(facts)));
