import { describe, expect, it } from 'vitest';
import { figuresOf } from '../../../../lambdas/core/account/manifest.ts';
import { closeFile } from '../../../../lambdas/core/ledger/file-changes.ts';
import { manifestKey } from '../../../../lambdas/core/ledger/ledger-keys.ts';
import { expiryOf } from '../../../../lambdas/core/ledger/stored-item.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { manifestOf } from '../../../support/report-facts.ts';

const now = 1_800_000_000_000;

describe('closing a file that still has open letters', () => {
  it('keeps the latest figures without a TTL, and those of a manifest that closed nothing for as long as old ones', () => {
    const file = fileAccount({ fileId: 'traffic.1' });
    const figures = [2, 3].map((number) => figuresOf(manifestOf({ manifest_number: number }), 'f'.repeat(64)));
    const close = { state: 'completed' as const, manifest: { key: 'm3', number: 3 }, figures, openLetters: 1 };
    const writes = closeFile(file, close, now);
    const changeOf = (number: number) =>
      writes.find(({ key }) => key.sk === manifestKey(file.fileId, number).sk)?.change;
    expect(changeOf(2)).toMatchObject({ set: { expiresAt: expiryOf(now) } });
    expect(changeOf(3)).toMatchObject({ remove: ['expiresAt'] });
    expect(changeOf(3)?.set?.['expiresAt']).toBeUndefined();
  });
});
