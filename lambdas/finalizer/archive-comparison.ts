import { basename } from 'node:path';
import { mustHaveSha256 } from '../archived-sha256.ts';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { Manifest } from '../core/account/manifest.ts';
import { ContradictionError } from '../core/errors.ts';
import type { ReportFacts } from '../core/report/report-facts.ts';
import { readComparison } from '../core/series/read-comparison.ts';
import type { Archive } from '../ports.ts';

/**
 * What the manifest says about the list of a revision's changes. The splitter stored it; it is copied if the file's folder
 * has another name since then, because the file was stopped.
 * @param facts get the first rows
 * @throws ContradictionError if the object does not have the bytes that the splitter stored
 */
export async function archiveComparison(
  { revision, dialect }: Pick<FileAccount, 'revision' | 'dialect'>,
  { folder }: Pick<ArchiveKeys, 'folder'>,
  facts: Pick<ReportFacts, 'addChange'>,
  { archive }: { archive: Pick<Archive, 'has' | 'getStream' | 'putStream'> },
): Promise<Manifest['comparison']> {
  if (!revision?.comparison) return undefined;
  const { key: stored, sha256 } = revision.comparison;
  const key = `${folder}/${basename(stored)}`;
  if (key !== stored && !(await archive.has(key))) {
    const body = await archive.getStream(stored);
    if (!body) throw new ContradictionError(`The archive's object ${stored} can't be found.`);
    await archive.putStream(key, body, 'text/csv');
  }
  await mustHaveSha256(key, sha256, archive);
  const list = await archive.getStream(key);
  for await (const row of readComparison((list ?? []) as AsyncIterable<Buffer>))
    if (!facts.addChange(row, dialect)) break;
  const { added, changed } = revision.counts;
  return { new_records: added, changed_records: changed, changes_key: key, changes_sha256: sha256 };
}
