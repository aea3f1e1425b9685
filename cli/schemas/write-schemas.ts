import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { deadLetterSchema } from './dead-letter-schema.ts';

writeFileSync(resolve(import.meta.dirname, '../../docs/schemas/dead-letter.v1.json'), deadLetterSchema());
