import type { MemberSource } from '../records/bundle.ts';

/** An object's display name. */
export function uriOf({ bucket, key }: { bucket: string; key: string }): string {
  return `s3://${bucket}/${key}`;
}

/** The fields in letters and receipts about a record that was a file of its own. */
export interface SourceFields {
  source_file?: string | undefined;
  source_version_id?: string | undefined;
}

export function sourceFieldsOf(source: MemberSource | undefined): SourceFields {
  if (!source) return {};
  const { versionId } = source;
  return { source_file: uriOf(source), ...(versionId === undefined ? {} : { source_version_id: versionId }) };
}

/** The object that they name; undefined if none. */
export function memberSourceOf({
  source_file: uri,
  source_version_id: versionId,
}: SourceFields): MemberSource | undefined {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri ?? '') ?? [];
  if (bucket === undefined || key === undefined) return undefined;
  return { bucket, key, ...(versionId === undefined ? {} : { versionId }) };
}
