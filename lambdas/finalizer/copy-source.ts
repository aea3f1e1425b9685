import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Closing } from './closing.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import { ObjectInParts } from './object-in-parts.ts';

/** Parts that are copied at once, each by S3 itself at some 100 MB/s. */
const atOnce = 8;

/** `key`: null if the source has changed or is gone. */
export type CopyEnd = { kind: 'copied'; key: string | null } | { kind: 'continues' } | { kind: 'busy' };

/**
 * Copies the source into the archive; one that S3 does not copy in one request in parts, over several invocations.
 * @throws LeaseLostError; UploadGoneError if it must begin again
 */
export async function copySource(
  { source }: FileAccount,
  keys: ArchiveKeys,
  closing: Closing,
  ports: FinalizerPorts,
  deadline: Deadline,
): Promise<CopyEnd> {
  const { archive, partSizes } = ports;
  if (source.sizeBytes <= partSizes.wholeCopy) {
    const copied = await archive.copySource(source, keys.source);
    return { kind: 'copied', key: copied?.key ?? null };
  }
  if (!(await closing.take())) return { kind: 'busy' };
  if (closing.state.sourceKey !== undefined) return { kind: 'copied', key: closing.state.sourceKey };
  const saved = closing.state.source;
  const isThere = !saved && (await archive.has(keys.source));
  const key = isThere || (await copyAll());
  if (key === 'continues') return { kind: 'continues' };
  const sourceKey = key ? keys.source : null;
  await closing.save({ ...closing.state, sourceKey });
  return { kind: 'copied', key: sourceKey };

  async function copyAll(): Promise<boolean | 'continues'> {
    const object = new ObjectInParts(
      { key: keys.source, contentType: 'application/octet-stream' },
      closing,
      ports,
      saved,
    );
    const ranges = rangesOf(source.sizeBytes, partSizes.copy(source.sizeBytes));
    while (object.next <= ranges.length) {
      const some = ranges.slice(object.next - 1, object.next - 1 + atOnce);
      if (!(await object.copy(source, some))) {
        await object.abort();
        return false;
      }
      await closing.save({ ...closing.state, source: object.save() });
      if (deadline.isDrawingIn()) return 'continues';
    }
    // An object in its place is its copy: it was made by another finalizer, of the same version.
    await object.complete(async () => undefined);
    return true;
  }
}

function rangesOf(sizeBytes: number, partBytes: number): { from: number; last: number }[] {
  const parts = Math.ceil(sizeBytes / partBytes);
  return Array.from({ length: parts }, (_, nth) => ({
    from: nth * partBytes,
    last: Math.min((nth + 1) * partBytes, sizeBytes) - 1,
  }));
}
