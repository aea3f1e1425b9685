import type { SinkAnswer, SinkRequest } from '../../lambdas/ports.ts';
import type { ReadRequest } from './sink-request.ts';
import { readRequest } from './sink-request.ts';

/** What an API does with a changed record: nothing special, so that it has both; see SLUICE_<FEED>_CHANGED_RECORDS. */
export type ChangedRecords = 'doubles' | 'replaces' | 'supersedes';

/** The number in a file's id: a later revision has a higher one. */
export const revisionOf = (fileId: string): number => Number(fileId.slice(fileId.lastIndexOf('.') + 1));

const unanswered: SinkAnswer = { kind: 'failed', status: null, reason: 'econnreset', ambiguous: true };

/** An API that knows every request id that it has stored, and keeps its schedule by spot. */
export class SchedulingApi {
  /** Spots that were stored while they were there already. */
  readonly doubled: string[] = [];
  /** Spots of an older revision that were stored after one of a newer revision. */
  readonly obsolete: string[] = [];
  readonly #changed: ChangedRecords;
  readonly #known = new Set<string>();
  readonly #entries = new Map<string, { spot: string; client: string }>();
  readonly #idsOf = new Map<string, Set<string>>();
  #newest = { revision: 0, fileSha256: '' };
  requests = 0;
  /** What it does with a request in place of storing it. */
  turn: (request: ReadRequest) => SinkAnswer | 'store-and-fail' | undefined = () => undefined;

  /** Whether it answers nothing, to what it knows either; the request may be stored all the same. */
  down: () => 'stored' | 'lost' | undefined = () => undefined;

  constructor(changed: ChangedRecords) {
    this.#changed = changed;
  }

  /** By spot. */
  get schedule(): Map<string, string> {
    return new Map([...this.#entries.values()].map(({ spot, client }) => [spot, client]));
  }

  /** Whether it has ever stored this request. */
  knows(requestId: string): boolean {
    return this.#known.has(requestId);
  }

  /** A person removes a spot. */
  remove(spot: string): void {
    for (const id of this.#idsOf.get(spot) ?? []) this.#entries.delete(id);
    this.#idsOf.delete(spot);
  }

  deliver(sent: SinkRequest): SinkAnswer {
    const request = readRequest(sent);
    this.requests++;
    const down = this.down();
    if (down === 'stored') this.#store(request);
    if (down !== undefined) return unanswered;
    // It looks up the request id before it judges the record.
    const turn = this.#known.has(request.requestId) ? undefined : this.turn(request);
    if (turn !== undefined && turn !== 'store-and-fail') return turn;
    const answer = this.#store(request);
    if (turn === 'store-and-fail') return unanswered;
    return answer;
  }

  #store({ requestId, payload, origin, supersedes: [superseded] = [] }: ReadRequest): SinkAnswer {
    if (this.#known.has(requestId)) return { kind: 'duplicate', status: 409 };
    const spot = String(payload['spot_id']);
    if (superseded && this.#changed === 'supersedes') {
      if (!this.#forget(superseded)) {
        return { kind: 'refused', status: 412, answer: 'no such entry', lacksSuperseded: true };
      }
    }
    if (this.#changed === 'replaces') this.remove(spot);
    const ids = this.#idsOf.get(spot) ?? new Set();
    if (ids.size > 0) this.doubled.push(spot);
    this.#noteRevision(origin, spot);
    this.#known.add(requestId);
    this.#entries.set(requestId, { spot, client: String(payload['advertiser']) });
    this.#idsOf.set(spot, ids.add(requestId));
    return { kind: 'uploaded', status: 201 };
  }

  #noteRevision({ fileId, fileSha256 }: SinkRequest['origin'], spot: string): void {
    const revision = revisionOf(fileId);
    if (revision >= this.#newest.revision) this.#newest = { revision, fileSha256 };
    // The same bytes have the same rows.
    else if (fileSha256 !== this.#newest.fileSha256) this.obsolete.push(`${spot} of ${fileId}`);
  }

  #forget(requestId: string): boolean {
    const entry = this.#entries.get(requestId);
    if (entry) this.#idsOf.get(entry.spot)?.delete(requestId);
    return this.#entries.delete(requestId);
  }
}
