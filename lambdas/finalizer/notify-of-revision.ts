import type { Manifest } from '../core/account/manifest.ts';
import type { Desk } from '../ports.ts';
import { oneLine } from './one-line.ts';

/** Whether the desk must know of the file's place among the revisions of its series, although it was not stopped. */
export function isNoteworthyRevision({ warnings, failure }: Manifest): boolean {
  return failure?.code === 'older_revision' || warnings.some(({ code }) => code === 'key_dropped_again');
}

/** The same export came again: all of it was sent as new, or nothing of it. */
export function notifyOfRevision(manifest: Manifest, desk: Desk): Promise<void> {
  const { feed, file_id: id, source, failure, warnings, archive } = manifest;
  const isOlder = failure?.code === 'older_revision';
  const about = isOlder ? failure : warnings.find(({ code }) => code === 'key_dropped_again');
  return desk.notify(
    isOlder
      ? `Sluice ${feed}: a file was not sent, a newer revision came first`
      : `Sluice ${feed}: a file was dropped again with other bytes, and all of it was sent`,
    [
      `${oneLine(source.key)} (file ${id})`,
      about?.message ?? '',
      `Manifest: s3://${archive.bucket}/${archive.manifest_key}`,
      '',
      'What to do:',
      ...(isOlder
        ? ['- Nothing, if the newer file is the right one. Otherwise export the right one again and drop that file.']
        : [
            '- Look for records in the API that are there twice: those that both files have. Remove what is not wanted there.',
            `- What was sent:  sluice manifest ${id}`,
          ]),
      '',
    ].join('\n'),
  );
}
