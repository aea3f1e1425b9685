import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { deadLetterSchema } from '../../../cli/schemas/dead-letter-schema.ts';

test('the documented dead letter equals the written one; `npm run schemas` regenerates it', () => {
  const documented = readFileSync(resolve(import.meta.dirname, '../../../docs/schemas/dead-letter.v1.json'), 'utf8');
  expect(documented).toBe(deadLetterSchema());
});
