import type { ListedChange } from '../../../lambdas/core/series/read-comparison.ts';
import { mustHold } from '../verified.ts';
import type { RevisionRecords } from './revision-records.ts';

/** What the list of a stopped revision says of its new and changed records: all that it sent is among them. */
interface StoppedList {
  /** By the record's number. */
  identities: Map<number, readonly string[]>;
  /** Records that it delivered, by the request ids that their identities have in the newer file. */
  delivered: Map<string, number>;
}

/**
 * The earlier revisions that say what the API has of a newer one's records: the newest and, as long as a newer one was
 * stopped, the next. Where several have a record, the newest of them decides. Which records of two files have one identity
 * is known from the lists of the stopped ones.
 */
export class CertainRevisions {
  /** The newest first. */
  readonly bases: readonly RevisionRecords[];
  readonly #own: RevisionRecords;
  readonly #lists: (StoppedList | undefined)[] = [];

  constructor(bases: readonly RevisionRecords[], own: RevisionRecords) {
    this.bases = bases;
    this.#own = own;
  }

  /** The stopped ones whose lists are needed. */
  get stopped(): readonly RevisionRecords[] {
    return this.bases.slice(0, -1);
  }

  /** Whether each of them has given a list of all that it changed. */
  get areListed(): boolean {
    return this.stopped.every((_, place) => this.#lists[place] !== undefined);
  }

  /**
   * Reads the list of a stopped one; does nothing if that does not have all of its rows.
   * @throws DoesNotHoldError if a row is not about one of its records
   */
  async addList(stopped: RevisionRecords, rows: AsyncIterable<ListedChange>): Promise<void> {
    const { file_id: fileId } = stopped.manifest;
    const list: StoppedList = { identities: new Map(), delivered: new Map() };
    for await (const { change, record, identity } of rows) {
      if (change === 'not listed') return;
      if (change === 'removed' || record === null || identity === null) continue;
      const id = stopped.requestIdOf(identity);
      const isOfRecord = !stopped.isIdentified(record) || stopped.hasId(record, id);
      mustHold(isOfRecord, `the list of changes of ${fileId} has another identity of record ${record}`);
      list.identities.set(record, identity);
      if (stopped.delivers(id)) list.delivered.set(this.#own.requestIdOf(identity), record);
    }
    this.#lists[this.bases.indexOf(stopped)] = list;
  }

  /** A record of the newer file has this identity: so what each of them has of it is accounted for. */
  coverIdentity(identity: readonly string[]): void {
    for (const base of this.bases) base.cover(base.requestIdOf(identity));
  }

  /** The same for a record with its bytes. False if the API has no record with these bytes from any of them. */
  coverContent(record: number): boolean {
    let isKnown = false;
    for (const [place, base] of this.bases.entries()) {
      const earlier = base.coverContent(this.#own, record);
      if (earlier === undefined) continue;
      isKnown = true;
      const identity = this.#lists[place]?.identities.get(earlier);
      if (identity) this.coverIdentity(identity);
    }
    return isKnown;
  }

  /** A newer one that has delivered the record with this id, with other bytes; undefined if there is none. */
  contradicting(record: number, requestId: string): RevisionRecords | undefined {
    for (const [place, base] of this.bases.entries()) {
      if (this.#lists[place]?.delivered.has(requestId) !== true) continue;
      return base.contentOf(this.#own, record) === undefined ? base : undefined;
    }
    return undefined;
  }
}
