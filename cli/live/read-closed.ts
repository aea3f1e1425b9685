import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import type { FileLedger } from '../../lambdas/ports.ts';
import { describeClosed } from './describe-file.ts';
import { Cached } from './cached.ts';
import type { ClosedFile } from './snapshot.ts';

export interface ClosedPorts {
  ledger: Pick<FileLedger, 'listFiles' | 'getFile'>;
  readSummary: (file: FileAccount) => Promise<ManifestSummary>;
}

const listEveryMs = 10_000;
/** Files read per feed: as many as the projections read. */
const listed = 20;
const shown = 8;
/** Files that were open at the last snapshot and are closed now, each read by itself: the list is sorted by arrival. */
const lookedUp = 20;

/** The files that were closed last. Each manifest is read once. */
export class ClosedFiles {
  readonly #ports: ClosedPorts;
  readonly #list: Cached<FileAccount[]>;
  #open = new Set<string>();
  #seen: FileAccount[] = [];
  #described = new Map<string, ClosedFile>();

  constructor(feeds: readonly string[], ports: ClosedPorts) {
    this.#ports = ports;
    this.#list = new Cached(listEveryMs, async () =>
      (await Promise.all(feeds.map((feed) => ports.ledger.listFiles(feed, 'closed', listed)))).flat(),
    );
  }

  /** @param open the files that are open now */
  async read(open: readonly FileAccount[], now: number): Promise<FileAccount[]> {
    const ids = new Set(open.map(({ fileId }) => fileId));
    const gone = [...this.#open].filter((fileId) => !ids.has(fileId)).slice(0, lookedUp);
    const ended = await Promise.all(gone.map((fileId) => this.#ports.ledger.getFile(fileId)));
    // The newest read of each file wins: an amended account replaces the previous one.
    const listedNow = await this.#list.get(now);
    const all = [...this.#seen, ...listedNow, ...ended.filter((file) => file !== undefined)];
    const closed = [...new Map(all.map((file) => [file.fileId, file])).values()].filter(
      (file) => file.manifest !== undefined && !isManifestOwed(file) && !ids.has(file.fileId),
    );
    this.#seen = closed.sort((a, b) => endOf(b) - endOf(a)).slice(0, lookedUp);
    this.#open = ids;
    return this.#seen;
  }

  /** The files to show, the last one closed first. */
  async describe(closed: readonly FileAccount[]): Promise<ClosedFile[]> {
    const described = await Promise.all(
      closed.slice(0, shown).map(async (file) => {
        const key = file.manifest?.key ?? '';
        const known = this.#described.get(key);
        return [key, known ?? describeClosed(file, await this.#ports.readSummary(file))] as const;
      }),
    );
    this.#described = new Map(described);
    return described.map(([, file]) => file);
  }
}

const endOf = ({ completedAt, updatedAt }: FileAccount): number => completedAt ?? updatedAt;
