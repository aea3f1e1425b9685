import { sha256OfArchived } from '../archived-sha256.ts';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { ManifestControl } from '../core/account/manifest.ts';
import { ContradictionError } from '../core/errors.ts';
import type { Archive } from '../ports.ts';

/**
 * Copies the control file that a file was compared with next to its manifest, and returns what the manifest says of it.
 * Repeatable. Undefined if the file's feed required none when it was sent.
 * @throws ContradictionError if the copy does not have the bytes that were compared
 */
export async function archiveControl(
  { control, limits, state: fileState }: Pick<FileAccount, 'control' | 'limits' | 'state'>,
  keys: Pick<ArchiveKeys, 'control'>,
  { archive }: { archive: Pick<Archive, 'copySource' | 'getStream'> },
): Promise<ManifestControl | undefined> {
  // Its feed's setting was removed while the file waited.
  const isNotRequired = control?.state === 'waiting' && fileState !== 'superseded';
  if (!control || isNotRequired) return undefined;
  const { name, kind, state, source, missing = 0, extra = 0, differences } = control;
  const copied = source && (await archive.copySource(source, keys.control));
  const found = copied && (await sha256OfArchived(copied.key, archive));
  const { sha256 = found } = control;
  if (found !== undefined && found !== sha256) {
    throw new ContradictionError(`The control file ${keys.control} has the SHA-256 ${found}; ${sha256} was compared.`);
  }
  return {
    name,
    kind,
    // A file that was replaced while it waited was never compared.
    result: state === 'waiting' ? 'not_compared' : state,
    source: source
      ? {
          bucket: source.bucket,
          key: source.key,
          version_id: source.versionId ?? null,
          etag: source.etag,
          bytes: source.sizeBytes,
        }
      : null,
    sha256: sha256 ?? null,
    control_key: copied?.key ?? null,
    max_record_bytes: limits.maxRecordBytes,
    missing,
    extra,
    differences_key: differences?.key ?? null,
    differences_sha256: differences?.sha256 ?? null,
  };
}
