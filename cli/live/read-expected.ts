import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { DueFile } from '../../lambdas/core/nights/expected-files.ts';
import type { ExpectedEntry } from '../../lambdas/core/nights/expected-note.ts';
import { currentDues } from '../../lambdas/core/nights/expected-note.ts';
import type { ArrivedFile, ExpectedVerdict } from '../../lambdas/core/nights/judge-expected.ts';
import { judgeExpected } from '../../lambdas/core/nights/judge-expected.ts';
import { readArrivals } from '../../lambdas/nights/read-arrivals.ts';
import type { Clock, ExpectedLedger, FileLedger } from '../../lambdas/ports.ts';
import { Cached } from './cached.ts';

export interface ExpectedPorts {
  ledger: Pick<ExpectedLedger, 'getExpected'> & Pick<FileLedger, 'eachFile' | 'getFile'>;
  clock: Pick<Clock, 'now'>;
}

/** A day's expected file, judged now. */
export interface JudgedFile {
  feed: string;
  entry: ExpectedEntry;
  verdict: ExpectedVerdict;
}

interface ReadFeed {
  feed: string;
  entries: readonly ExpectedEntry[];
  files: readonly ArrivedFile[];
}

const readEveryMs = 20_000;
/** Files that are looked through; one that came before these is found by the reconciler's note only. */
const maxLookedThrough = 2_000;

/** The files that should arrive each day, by the note of the reconciler's last run, judged as of now. */
export class ExpectedFiles {
  readonly #ports: ExpectedPorts;
  readonly #feeds: Cached<ReadFeed[]>;

  constructor(feeds: readonly string[], ports: ExpectedPorts) {
    this.#ports = ports;
    this.#feeds = new Cached(readEveryMs, () => Promise.all(feeds.map((feed) => this.#readFeed(feed))));
  }

  /** @param open the files in progress, which are read more often */
  async read(open: readonly FileAccount[]): Promise<JudgedFile[]> {
    const now = this.#ports.clock.now();
    // A file that is closed meanwhile is not open any more, and must be read.
    const feeds = await this.#feeds.get(now, open.map(({ fileId }) => fileId).join(' '));
    return feeds.flatMap(({ feed, entries, files }) => {
      const all = [
        ...new Map(
          [...files, ...open.filter((file) => file.feed === feed)].map((file) => [file.fileId, file]),
        ).values(),
      ];
      return entries.flatMap((entry) =>
        currentDues(entry, now).map((due) => ({ feed, entry, verdict: judgeExpected(due, all, now) })),
      );
    });
  }

  async #readFeed(feed: string): Promise<ReadFeed> {
    const { ledger, clock } = this.#ports;
    const entries = (await ledger.getExpected(feed))?.files ?? [];
    const now = clock.now();
    const current = entries.flatMap((entry) =>
      currentDues(entry, now).map((due) => ({ due, fileId: metBy(due, entry) })),
    );
    const ids = current.flatMap(({ fileId }) => fileId ?? []);
    const met = (await Promise.all(ids.map((fileId) => ledger.getFile(fileId)))).filter((file) => file !== undefined);
    // It may have been stopped since, or a newer revision has taken over.
    const open = current.filter(({ due }) => !isHere(judgeExpected(due, met, now))).map(({ due }) => due);
    const found = await readArrivals(feed, open, ledger, maxLookedThrough);
    return { feed, entries, files: [...met, ...found] };
  }
}

const isHere = ({ state }: ExpectedVerdict): boolean => state === 'met' || state === 'late';

/** The file that met it, if that is decided. */
function metBy({ day }: DueFile, { nights }: ExpectedEntry): string | undefined {
  return nights.find((night) => night.day === day && !night.isOpen)?.fileId;
}
