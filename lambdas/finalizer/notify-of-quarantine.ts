import type { Manifest } from '../core/account/manifest.ts';
import type { Desk } from '../ports.ts';
import { oneLine } from './one-line.ts';

/** Sent now, not with the reconciler's next list: a wrong file was dropped, and the right one is missing. */
export function notifyOfQuarantine(manifest: Manifest, desk: Desk): Promise<void> {
  const { feed, file_id: id, source, failure, archive } = manifest;
  const count = (figure: number) => figure.toLocaleString('en-US');
  return desk.notify(
    `Sluice ${feed}: a file was stopped, ${count(manifest.held_records)} records are held`,
    [
      `${oneLine(source.key)} (file ${id}) was stopped.`,
      failure?.message ?? '',
      '',
      `uploaded ${count(manifest.uploaded_records)}, rejected ${count(manifest.rejected_records)}, ` +
        `held ${count(manifest.held_records)}, total ${count(manifest.total_records)}`,
      `Manifest: s3://${archive.bucket}/${archive.manifest_key}`,
      '',
      'What to do:',
      ...(failure?.code === 'other_header'
        ? [
            '- The records before that line were sent as usual. Cut the file there and drop the rest, with its own header, as a',
            '  file of its own. It can not be released: its rows would be read by the wrong header.',
          ]
        : failure?.code === 'revision_unknown' || failure?.code === 'revision_order'
          ? [
              '- Enter the changes in the API by hand, or remove the earlier entries there first.',
              `- sluice release ${id} --why "..."  then sends all of its records, as new ones.`,
            ]
          : [
              '- If it is a wrong file: drop the right one. No more of this file is sent; its uploaded records stay uploaded.',
              `- If it is the right file: sluice release ${id} --why "..."  sends the held records, and only those.`,
            ]),
      '',
    ].join('\n'),
  );
}
