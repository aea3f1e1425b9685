import type { Spot } from './spot.ts';

export interface ScheduleEntry extends Spot {
  request_id: string;
}

/** What the API would air at one time: several entries there are a spot that is scheduled twice. */
export interface ScheduledSpot {
  spot_id: string;
  airtime: string;
  /** In order of arrival. */
  entries: Omit<ScheduleEntry, 'spot_id' | 'airtime'>[];
}

/** Lines are collected in blocks of this size: bytes outside the heap, without an object per entry. */
const blockBytes = 1024 * 1024;

/** What the API has stored: each request id once, the entries as lines of JSON in order of arrival. */
export class Schedule {
  /** Ids of 64 hex digits take half the room as bytes; any other id is kept as it is. */
  readonly #ids = new Set<string>();
  /** Ids of entries that another one has replaced. They stay known: an old request that is repeated stores nothing. */
  readonly #superseded = new Set<string>();
  #full: Buffer[] = [];
  #block = Buffer.allocUnsafe(blockBytes);
  #used = 0;
  /** The request id of each spot and airtime, if an entry replaces the one before. */
  readonly #byKey: Map<string, string> | undefined;

  /** @param replaces it has one entry for a spot and airtime: the newest */
  constructor(replaces = false) {
    if (replaces) this.#byKey = new Map();
  }

  get size(): number {
    return this.#ids.size - this.#superseded.size;
  }

  has(requestId: string): boolean {
    return this.#ids.has(compact(requestId));
  }

  store(requestId: string, spot: Spot): void {
    this.#ids.add(compact(requestId));
    const { spot_id, station, airtime, duration_sec, advertiser } = spot;
    const before = this.#byKey?.get(keyOf(spot));
    if (before !== undefined) this.supersede(before);
    this.#byKey?.set(keyOf(spot), requestId);
    const entry: ScheduleEntry = { request_id: requestId, spot_id, station, airtime, duration_sec, advertiser };
    const line = `${JSON.stringify(entry)}\n`;
    const needed = Buffer.byteLength(line);
    if (this.#used + needed > this.#block.length) {
      this.#full.push(this.#block.subarray(0, this.#used));
      this.#block = Buffer.allocUnsafe(Math.max(blockBytes, needed));
      this.#used = 0;
    }
    this.#used += this.#block.write(line, this.#used);
  }

  /** Removes the entry of another request, since the one that is stored next replaces it. False if there is none. */
  supersede(requestId: string): boolean {
    const id = compact(requestId);
    if (!this.#ids.has(id) || this.#superseded.has(id)) return false;
    this.#superseded.add(id);
    return true;
  }

  /** NDJSON. */
  *blocks(): Generator<Buffer> {
    for (const block of this.#blocks()) yield this.#superseded.size === 0 ? block : this.#current(block);
  }

  *#blocks(): Generator<Buffer> {
    yield* this.#full;
    if (this.#used > 0) yield this.#block.subarray(0, this.#used);
  }

  #current(block: Buffer): Buffer {
    const lines = block.toString('utf8').split('\n');
    const isCurrent = (line: string): boolean =>
      line === '' || !this.#superseded.has(compact((JSON.parse(line) as ScheduleEntry).request_id));
    return Buffer.from(lines.filter(isCurrent).join('\n'));
  }

  entries(): ScheduleEntry[] {
    const text = Buffer.concat([...this.blocks()]).toString('utf8');
    return text.split('\n').flatMap((line) => (line ? [JSON.parse(line) as ScheduleEntry] : []));
  }

  /** By spot and airtime, in this order, whatever the request ids are. */
  bySpot(): ScheduledSpot[] {
    const spots = new Map<string, ScheduledSpot>();
    for (const { spot_id, airtime, ...entry } of this.entries()) {
      const key = keyOf({ spot_id, airtime });
      const spot = spots.get(key) ?? { spot_id, airtime, entries: [] };
      spot.entries.push(entry);
      spots.set(key, spot);
    }
    return [...spots].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, spot]) => spot);
  }

  clear(): void {
    this.#byKey?.clear();
    this.#ids.clear();
    this.#superseded.clear();
    this.#full = [];
    this.#used = 0;
  }
}

const keyOf = ({ spot_id, airtime }: Pick<Spot, 'spot_id' | 'airtime'>): string => `${spot_id}\n${airtime}`;

function compact(requestId: string): string {
  return requestId.length === 64 && /^[0-9a-f]{64}$/.test(requestId)
    ? Buffer.from(requestId, 'hex').toString('latin1')
    : requestId;
}
