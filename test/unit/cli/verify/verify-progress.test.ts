import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { VerifyProgress } from '../../../../cli/verify/verified.ts';
import { verifyFile } from '../../../../cli/verify/verify-file.ts';
import { makeEvidence, writeEvidence } from '../../../support/evidence.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-verify-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('reports how many of the receipts have been read', async () => {
  const { objects } = await makeEvidence(2_500);
  writeEvidence(objects, dir);
  const told: (VerifyProgress | string)[] = [];
  const path = join(dir, 'manifest.json');
  for await (const { sentence } of verifyFile(path, {}, (progress) => told.push(progress))) told.push(sentence);
  expect(told.filter((each) => typeof each !== 'string')).toEqual([
    { what: 'receipts', done: 1_000, whole: 2_500 },
    { what: 'receipts', done: 2_000, whole: 2_500 },
  ]);
  expect(told.findLastIndex((each) => typeof each !== 'string')).toBeLessThan(
    told.findIndex((each) => typeof each === 'string' && each.includes('each record once')),
  );
});
