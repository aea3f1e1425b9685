import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { FileNotice } from '../../lambdas/core/notices/file-notice.ts';
import { isUnsent } from '../../lambdas/core/notices/file-notice.ts';
import type { Clock, FileLedger, NoticeLedger } from '../../lambdas/ports.ts';
import { Cached } from './cached.ts';
import { unsentHours } from './headlines/unsent-files.ts';

export interface UnsentPorts {
  ledger: Pick<NoticeLedger, 'recentNotices'> & Pick<FileLedger, 'eachFile'>;
  clock: Pick<Clock, 'now'>;
}

const noticesEveryMs = 5_000;
const remediesEveryMs = 15_000;
/** Closed files of a feed that are looked through for the same keys; a file that arrived before these stays unsent. */
const maxLookedThrough = 1_000;

/** Files of the last day of which nothing was sent, unless a file with the same key arrived later and was sent. */
export class UnsentFiles {
  readonly #ports: UnsentPorts;
  readonly #feeds: readonly string[];
  readonly #notices: Cached<FileNotice[]>;
  readonly #remedied: Cached<Set<string>>;

  constructor(feeds: readonly string[], ports: UnsentPorts) {
    this.#ports = ports;
    this.#feeds = feeds;
    this.#notices = new Cached(noticesEveryMs, () => this.#readNotices());
    this.#remedied = new Cached(remediesEveryMs, async () => this.#readRemedied(await this.#notices.get(this.#now)));
  }

  /** The oldest first. */
  async read(): Promise<FileNotice[]> {
    const notices = await this.#notices.get(this.#now);
    if (notices.length === 0) return [];
    const remedied = await this.#remedied.get(this.#now, notices.map(({ fileId }) => fileId).join(' '));
    return notices.filter(({ fileId }) => !remedied.has(fileId));
  }

  get #now(): number {
    return this.#ports.clock.now();
  }

  /** A listing of closed files may be too short to have them. */
  async #readNotices(): Promise<FileNotice[]> {
    const since = this.#now - unsentHours * 3_600_000;
    const notices = await Promise.all(this.#feeds.map((feed) => this.#ports.ledger.recentNotices(feed, since)));
    return notices
      .flat()
      .filter(({ kind }) => isUnsent(kind))
      .sort((a, b) => a.at - b.at);
  }

  async #readRemedied(notices: readonly FileNotice[]): Promise<Set<string>> {
    const feeds = Map.groupBy(notices, ({ feed }) => feed);
    const ofFeeds = [...feeds].map(([feed, some]) => this.#remediedOf(feed, new Set(some.map(({ fileId }) => fileId))));
    return new Set((await Promise.all(ofFeeds)).flat());
  }

  /** From the newest arrival on: a file is met after all that came later. */
  async #remediedOf(feed: string, unsent: Set<string>): Promise<string[]> {
    const sent = new Set<string>();
    const remedied: string[] = [];
    let seen = 0;
    for await (const file of this.#ports.ledger.eachFile(feed, 'closed', { order: 'newest' })) {
      if (wasSent(file)) sent.add(file.source.key);
      if (unsent.delete(file.fileId) && sent.has(file.source.key)) remedied.push(file.fileId);
      if (unsent.size === 0 || ++seen === maxLookedThrough) break;
    }
    return remedied;
  }
}

const wasSent = ({ state, totalRecords = 0 }: FileAccount): boolean => state === 'completed' && totalRecords > 0;
