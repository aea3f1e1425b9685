import type { FileAccount } from '../core/account/file-account.ts';
import { asAmended, basesOf } from '../core/series/revision-bases.ts';
import type { RevisionBase } from '../core/series/revision.ts';
import { isLeftBehind } from '../core/series/go-without.ts';
import type { Clock, FileLedger } from '../ports.ts';

/** What a newer revision of this file is compared with, as it is now; undefined if that is not known. */
export async function basesOfRevision(
  fileId: string,
  ports: { ledger: Pick<FileLedger, 'getFile' | 'getManifestFigures'>; clock: Pick<Clock, 'now'> },
): Promise<RevisionBase[] | undefined> {
  const file = await ports.ledger.getFile(fileId);
  // The newest manifest of one that is left behind does not have what was sent since.
  if (!file?.manifest || isLeftBehind(file, ports.clock.now())) return undefined;
  const figures = await ports.ledger.getManifestFigures(fileId, file.manifest.number);
  const same = file.series?.sameBytes;
  // What it did not send, one with the same request ids may have sent before it.
  const before = same === undefined ? await basesBefore(file, ports) : await basesOfRevision(same, ports);
  return basesOf(file, figures, before);
}

/** What it was compared with. One of them may have been amended since, and no one would make it as it was again. */
async function basesBefore(
  { revision }: FileAccount,
  { ledger }: { ledger: Pick<FileLedger, 'getFile' | 'getManifestFigures'> },
): Promise<RevisionBase[] | undefined> {
  return (
    revision &&
    Promise.all(
      revision.bases.map(async (base) => {
        const number = (await ledger.getFile(base.fileId))?.manifest?.number;
        if (number === undefined || number === base.manifest) return base;
        return asAmended(base, await ledger.getManifestFigures(base.fileId, number));
      }),
    )
  );
}
