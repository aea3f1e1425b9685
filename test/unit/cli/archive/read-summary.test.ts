import type { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { readSummary } from '../../../../cli/archive/read-summary.ts';
import { figuresOf } from '../../../../lambdas/core/account/manifest.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { openMemoryLedger } from '../../../support/memory-ledger.ts';
import { manifestOf } from '../../../support/report-facts.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

const manifest = { key: 'traffic/manifest.json', number: 1 };

/** A bucket that holds one manifest. */
function archiveOf(text: string) {
  const asked: unknown[] = [];
  const send = async ({ input }: { input: unknown }) => {
    asked.push(input);
    return { Body: { transformToString: async () => text } };
  };
  return { asked, s3: { send } as unknown as S3Client, outputs: { archiveBucket: 'archive' } };
}

it('reads a manifest’s counts from the ledger, and no object', async () => {
  const ledger = openMemoryLedger(new SimulatedClock());
  const file = fileAccount({});
  ledger.files.set(file.fileId, file);
  const figures = figuresOf(manifestOf(), 'f'.repeat(64));
  await ledger.closeFile(file.fileId, { state: 'completed', manifest, figures: [figures], openLetters: 0 });
  const archive = archiveOf('');
  expect(await readSummary({ ...archive, ledger }, { ...file, manifest })).toEqual(figures);
  expect(archive.asked).toEqual([]);
});

it('reads the archive for a file that an earlier version closed', async () => {
  const ledger = openMemoryLedger(new SimulatedClock());
  const archive = archiveOf(JSON.stringify(manifestOf()));
  expect(await readSummary({ ...archive, ledger }, fileAccount({ manifest }))).toEqual(manifestOf());
  expect(archive.asked).toEqual([{ Bucket: 'archive', Key: manifest.key }]);
});
