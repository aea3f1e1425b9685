import { stat } from 'node:fs/promises';
import { compareControl } from '../../lambdas/content/compare-control.ts';
import type { FileAccount, SourceObject } from '../../lambdas/core/account/file-account.ts';
import { openSourceFile } from '../drop/open-source-file.ts';
import type { ControlCheck } from './check-report.ts';
import type { CheckRequest } from './check-request.ts';
import type { CheckedFile } from './open-checked-file.ts';
import { readFrom } from './open-checked-file.ts';

/**
 * Compares a file with the control file beside it, as the splitter would. Null if the feed requires none, or if the file
 * would be refused before.
 * @param account as it was read
 * @param onChunk may throw to end it
 */
export async function checkControl(
  file: CheckedFile,
  account: FileAccount,
  { settings, feed }: CheckRequest,
  onChunk: () => void,
): Promise<ControlCheck | null> {
  const rule = settings.control;
  const { sha256, dialect } = account;
  if (!rule || account.failure || sha256 === undefined) return null;
  const name = `${file.name}${rule.suffix}`;
  const path = file.path === undefined ? undefined : `${file.path}${rule.suffix}`;
  const isThere = path !== undefined && (await stat(path).catch(() => undefined)) !== undefined;
  if (path === undefined || !isThere) return { name, kind: rule.kind, result: 'missing', message: null };
  const { handle, sizeBytes } = await openSourceFile(path, 'check');
  try {
    const control: SourceObject = { bucket: 'not-dropped', key: name, etag: '""', sizeBytes };
    const sources: CheckedFile['sources'] = {
      read: (source, offset, signal) =>
        source === control ? readFrom(handle, offset, sizeBytes) : file.sources.read(source, offset, signal),
    };
    const goesOn = (): Promise<boolean> => {
      onChunk();
      return Promise.resolve(true);
    };
    const ports = { sources, encoding: feed.encoding, goesOn };
    const found = await compareControl(rule.kind, control, { ...account, sha256, dialect }, undefined, ports);
    const differences = found.kind === 'compared' ? found.differences : undefined;
    return { name, kind: rule.kind, result: differences ? 'differs' : 'agrees', message: differences?.message ?? null };
  } finally {
    await handle.close();
  }
}
