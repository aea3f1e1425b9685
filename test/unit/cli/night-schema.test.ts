import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { nightSchema } from '../../../cli/schemas/night-schema.ts';

test('the documented entry of the night log equals the written one; `npm run schemas` regenerates it', () => {
  const documented = readFileSync(resolve(import.meta.dirname, '../../../docs/schemas/night.v1.json'), 'utf8');
  expect(documented).toBe(nightSchema());
});
