import { CliError } from '../cli-error.ts';
import { requireDeployed } from '../stack/deployed-feeds.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { formatBytes, formatShare } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DroppedObject } from './find-dropped-file.ts';
import { idOfDropped } from './find-dropped-file.ts';
import type { SourceFile } from './open-source-file.ts';
import { uploadFile } from './upload-file.ts';

/** A file's destination: its feed, and whether it takes the express lane. */
export interface Destination {
  feed: string;
  express: boolean;
  /** They are control files, which have no account of their own. */
  areControls?: boolean;
}

/**
 * Uploads a file into the lane's folder of the intake bucket, under its own name, with progress.
 * @throws CliError if the stack has no such feed or lane: a file under that prefix would go unnoticed
 */
export async function putFile(
  file: SourceFile,
  { feed, express, areControls = false }: Destination,
  stack: Pick<OpenStack, 's3' | 'outputs' | 'target'>,
  terminal: Pick<Terminal, 'progress' | 'endProgress' | 'note'>,
  signal: AbortSignal,
): Promise<DroppedObject> {
  const startedMs = Date.now();
  requireDeployed(stack, feed);
  if (express && !stack.outputs.hasExpressLane(feed)) {
    throw new CliError(`The feed ${feed} has no express lane in this stack; drop the file without --express.`);
  }
  const place = { bucket: stack.outputs.intakeBucket, key: `${express ? 'express/' : ''}${feed}/${file.name}` };
  const onProgress = (bytes: number): void => {
    const rate = formatBytes((bytes * 1000) / Math.max(1, Date.now() - startedMs));
    const share = formatShare(bytes, file.sizeBytes);
    terminal.progress('upload', `uploading ${file.name}  ${share} of ${formatBytes(file.sizeBytes)}  ${rate}/s`);
  };
  const object = await uploadFile({ client: stack.s3, ...place, file, signal, onProgress });
  terminal.endProgress();
  const dropped = { feed, ...place, ...object, droppedAtMs: startedMs };
  const id = idOfDropped(dropped);
  terminal.note(`Dropped ${formatBytes(file.sizeBytes)} as s3://${place.bucket}/${place.key}`);
  if (id !== undefined && !areControls) terminal.note(`File id ${id}`);
  return dropped;
}

/** A file of this machine, and its object in the bucket. */
export type DroppedFile = DroppedObject & { file: SourceFile };

/**
 * Uploads files one after the other.
 * @throws the first upload's error; a message names the files that were not dropped
 */
export async function putFiles(
  files: readonly SourceFile[],
  destination: Destination,
  stack: Pick<OpenStack, 's3' | 'outputs' | 'target'>,
  terminal: Pick<Terminal, 'progress' | 'endProgress' | 'note' | 'alert'>,
  signal: AbortSignal,
): Promise<DroppedFile[]> {
  const dropped: DroppedFile[] = [];
  try {
    for (const file of files) dropped.push({ ...(await putFile(file, destination, stack, terminal, signal)), file });
  } catch (error) {
    if (dropped.length > 0) {
      const left = files.slice(dropped.length).map(({ path }) => path);
      terminal.alert(`${dropped.length} of ${files.length} files were dropped. Not dropped: ${left.join(', ')}`);
    }
    throw error;
  }
  return dropped;
}
