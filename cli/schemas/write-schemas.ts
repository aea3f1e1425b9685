import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { rolePolicies } from './command-permissions.ts';
import { withCommandReference } from './command-reference.ts';
import { deadLetterSchema } from './dead-letter-schema.ts';
import { nightSchema } from './night-schema.ts';

const docs = resolve(import.meta.dirname, '../../docs');
writeFileSync(resolve(docs, 'schemas/dead-letter.v1.json'), deadLetterSchema());
writeFileSync(resolve(docs, 'schemas/night.v1.json'), nightSchema());
const page = resolve(docs, 'commands.md');
writeFileSync(page, await withCommandReference(readFileSync(page, 'utf8'), page));
for (const [name, policy] of rolePolicies()) writeFileSync(resolve(docs, 'iam', name), policy);
