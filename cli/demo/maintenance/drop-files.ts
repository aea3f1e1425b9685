import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { OpenStack } from '../../stack/open-stack.ts';
import { formatCount } from '../../terminal/format.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { DemoFile } from './demo-records.ts';

/** Uploads in progress at once. */
const atOnce = 32;

/** Drops the files under the prefix, many at once, as a scanner's folder does. */
export async function dropFiles(
  files: readonly DemoFile[],
  prefix: string,
  stack: Pick<OpenStack, 's3' | 'outputs'>,
  terminal: Pick<Terminal, 'progress' | 'endProgress'>,
  signal: AbortSignal,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let file = files[next++]; file; file = files[next++]) {
      const place = { Bucket: stack.outputs.intakeBucket, Key: `${prefix}${file.name}` };
      await stack.s3.send(new PutObjectCommand({ ...place, Body: file.text }), { abortSignal: signal });
      terminal.progress(
        'drop',
        `  dropped ${formatCount(Math.min(next, files.length))} of ${formatCount(files.length)}`,
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  terminal.endProgress();
}
