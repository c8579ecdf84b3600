/** `npm run conformance`: writes docs/conformance.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conformancePage, conformanceRows } from './rows.ts';

const rows = conformanceRows();
writeFileSync(join(import.meta.dirname, '../../docs/conformance.md'), conformancePage(rows));
process.stdout.write(`${rows.length} rows\n`);
