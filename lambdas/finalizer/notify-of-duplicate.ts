import type { Manifest } from '../core/account/manifest.ts';
import type { Desk } from '../ports.ts';
import { oneLine } from './one-line.ts';

/** The sender may have intended something else: nothing of the file was sent. */
export function notifyOfDuplicate(manifest: Manifest, desk: Desk): Promise<void> {
  const { feed, file_id: id, source, duplicate_of: first, archive } = manifest;
  return desk.notify(
    `Sluice ${feed}: a file was not sent, it has the same bytes as an earlier one`,
    [
      `Nothing of ${oneLine(source.key)} (file ${id}) was sent.`,
      `The file ${first ?? 'unknown'} has the same bytes, was read in the same way, and is in progress or was accepted.`,
      `Manifest: s3://${archive.bucket}/${archive.manifest_key}`,
      '',
      'What to do:',
      `- Nothing, if the same export was dropped twice. What happened to its records:  sluice status ${first ?? ''}`,
      '- If it should have other contents: export it again and drop that file.',
      '',
    ].join('\n'),
  );
}
