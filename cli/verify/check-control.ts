import { statSync } from 'node:fs';
import { compareControl } from '../../lambdas/content/compare-control.ts';
import { readTable } from '../../lambdas/content/compare-rows.ts';
import type { CompareControlPorts, ControlledContent } from '../../lambdas/content/controlled-content.ts';
import { readDialect } from '../../lambdas/content/read-dialect.ts';
import { ControlFileError } from '../../lambdas/core/control/control-file-error.ts';
import type { SourceObject } from '../../lambdas/core/account/file-account.ts';
import type { Manifest, ManifestControl } from '../../lambdas/core/account/manifest.ts';
import { encodings, formats } from '../../feeds/feed.ts';
import { readStored } from './check-source.ts';
import { readChunks } from './evidence-lines.ts';
import type { Verified } from './verified.ts';
import { mustHold } from './verified.ts';

/**
 * Compares a file with its control file again: whether they agree is what the manifest says.
 * @throws DoesNotHoldError if it is not
 */
export async function* checkControl(
  manifest: Manifest,
  files: { source?: string | undefined; control?: string | undefined },
): AsyncGenerator<Verified> {
  const { control, checksum } = manifest;
  if (!control) return;
  const { name, kind, result, control_key: key } = control;
  if (result === 'not_compared') {
    yield { sentence: `the file was not compared with its control file ${name}`, isNote: true };
    return;
  }
  if (key === null) {
    yield {
      sentence: `the archive does not have the control file ${name}: it was gone when the account was closed`,
      isSkipped: true,
    };
    return;
  }
  const { control: path, source } = files;
  // Reported as missing.
  if (path === undefined || source === undefined || checksum === null) return;
  const agrees = await compareAgain(manifest, control, { control: path, source });
  if (agrees === undefined) {
    yield { sentence: `the control file ${name} can't be compared again`, isSkipped: true };
    return;
  }
  mustHold(
    agrees === (result === 'agrees'),
    agrees
      ? `the control file ${name} agrees with the source; the manifest says that it differs`
      : `the control file ${name} differs from the source; the manifest says that it agrees`,
  );
  yield {
    sentence: `the control file ${name} (${kind}) ${agrees ? 'agrees with' : 'differs from'} the source, as the manifest says`,
  };
}

/** Undefined if this version can't read the source as it was read. */
async function compareAgain(
  manifest: Manifest,
  { kind, max_record_bytes: maxRecordBytes }: ManifestControl,
  paths: { control: string; source: string },
): Promise<boolean | undefined> {
  const stored = await readStored(manifest, paths.source);
  const control: SourceObject = { bucket: '', key: '', etag: '', sizeBytes: statSync(paths.control).size };
  const ports: CompareControlPorts = {
    sources: { read: (from, offset) => readChunks(from === control ? paths.control : paths.source, offset) },
    encoding: encodings.find((each) => each === manifest.encoding) ?? 'utf-8',
    goesOn: async () => true,
  };
  const file: ControlledContent = {
    ...stored,
    sha256: manifest.checksum ?? '',
    limits: { maxBatchRecords: 500, maxBatchBytes: Math.max(maxRecordBytes, 256 * 1024), maxRecordBytes },
    records: manifest.total_records,
    dialect: undefined,
  };
  if (kind === 'rows' && manifest.format !== null) {
    const read = await dialectOf(manifest, control, file, ports);
    if (read !== 'no-table') {
      if (read?.kind !== 'dialect')
        return read?.kind === 'refused' && read.code === 'missing_columns' ? false : undefined;
      file.dialect = read.dialect;
    }
  }
  const found = await compareControl(kind, control, file, undefined, ports);
  return found.kind === 'compared' && found.differences === undefined;
}

/** The control file's columns are among the file's, so they show which line is the header. */
async function dialectOf(
  manifest: Manifest,
  control: SourceObject,
  file: ControlledContent,
  ports: CompareControlPorts,
): Promise<Awaited<ReturnType<typeof readDialect>> | 'no-table' | undefined> {
  const format = formats.find((each) => each === manifest.format);
  if (format === undefined) return undefined;
  try {
    const { columns } = await readTable(control, ports);
    const feed = {
      formats: [format] as const,
      columns: format === 'csv' ? columns : [],
      encoding: ports.encoding,
      preamble: manifest.preamble_bytes !== undefined,
    };
    return await readDialect(file, undefined, { sources: ports.sources, feed });
  } catch (error) {
    if (error instanceof ControlFileError) return 'no-table';
    throw error;
  }
}
