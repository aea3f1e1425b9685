import type { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { manifest as manifestSchema } from '../../lambdas/core/account/manifest.ts';
import { CliError } from '../cli-error.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** The parts of a stack that are read here. */
export interface ArchivedStack {
  s3: S3Client;
  outputs: { archiveBucket: string };
}

/** The newest manifest: its bytes in the archive, and its parsed content. */
export interface ArchivedManifest {
  text: string;
  manifest: Manifest;
}

/** @throws CliError if the file has none yet */
export async function readManifest(stack: ArchivedStack, file: FileAccount): Promise<ArchivedManifest> {
  if (!file.manifest) {
    throw new CliError(
      `The file ${file.fileId} is still in progress (${file.state}); its manifest is written when every record is ` +
        `accounted for. \`${sluice} status ${file.fileId}\` shows its progress.`,
    );
  }
  const body = await getObject(stack, file.manifest.key);
  const text = await body.transformToString();
  return { text, manifest: parseManifest(text, file.manifest.key) };
}

/** A stream of the object's stored bytes. */
export async function readArchived(stack: ArchivedStack, key: string): Promise<Readable> {
  return (await getObject(stack, key)) as unknown as Readable;
}

/** An object's text; undefined if there is no such object. */
export async function findArchived(stack: ArchivedStack, key: string): Promise<string | undefined> {
  return (await findObject(stack, key))?.transformToString();
}

/** A stream of the object's stored bytes; undefined if there is no such object. */
export async function findArchivedStream(stack: ArchivedStack, key: string): Promise<Readable | undefined> {
  return (await findObject(stack, key)) as unknown as Readable | undefined;
}

async function getObject(stack: ArchivedStack, key: string) {
  const found = await findObject(stack, key);
  if (found) return found;
  throw new CliError(`s3://${stack.outputs.archiveBucket}/${key} does not exist, although the ledger names it.`);
}

async function findObject({ s3, outputs }: ArchivedStack, key: string) {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: outputs.archiveBucket, Key: key }));
    return Body;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'NoSuchKey') throw error;
    return undefined;
  }
}

function parseManifest(text: string, key: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new CliError(`The manifest ${key} can't be read by this version of sluice.`, { cause: error });
  }
}
