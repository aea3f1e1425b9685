import * as z from 'zod';
import type { Receipt } from './receipt.ts';

/** Records of a file whose request ids are compared; each takes about 200 bytes of memory. */
const maxCompared = 100_000;

/** A request id, a record's hash and an outcome, saved: both are SHA-256s (core/records/identity.ts). */
const entryBytes = 65;

/** Record numbers listed in a warning. */
const maxNamed = 20;

const numberedRecords = z.object({ count: z.int().nonnegative(), first: z.array(z.int().positive()) });

/** What was found so far; the ids themselves are saved apart, since they no longer change after the first 100,000. */
export const repeatedIds = z.object({ otherBytes: numberedRecords, uploadedTwice: numberedRecords });
export type RepeatedIds = z.infer<typeof repeatedIds>;

/**
 * Finds the records of a file that share a request id with an earlier record. The API keeps the first one, so such a
 * record's own bytes are not stored; across batches it may even be reported as uploaded, if the API answers a repetition
 * like a first request.
 */
export class RepeatedRequestIds {
  readonly #first = new Map<string, { sha256: string; outcome: Receipt['outcome'] }>();
  readonly #otherBytes: NumberedRecords;
  readonly #uploadedTwice: NumberedRecords;

  /** @param from saved before, with its `ids`; by default, nothing was seen yet */
  constructor(from?: RepeatedIds, ids: Uint8Array = Buffer.alloc(0)) {
    this.#otherBytes = new NumberedRecords(from?.otherBytes);
    this.#uploadedTwice = new NumberedRecords(from?.uploadedTwice);
    for (let at = 0; at < ids.length; at += entryBytes) {
      const hex = Buffer.from(ids.subarray(at, at + entryBytes)).toString('hex');
      const outcome = hex.endsWith('1') ? 'uploaded' : 'duplicate';
      this.#first.set(hex.slice(0, 64), { sha256: hex.slice(64, 128), outcome });
    }
  }

  save(): RepeatedIds {
    return { otherBytes: this.#otherBytes.save(), uploadedTwice: this.#uploadedTwice.save() };
  }

  /** How many ids are compared with: they have changed if it has grown. */
  get size(): number {
    return this.#first.size;
  }

  /** Both hashes of each, and its outcome, in `entryBytes`. */
  ids(): Buffer {
    const bytes = Buffer.alloc(this.#first.size * entryBytes);
    let at = 0;
    for (const [id, { sha256, outcome }] of this.#first) {
      bytes.write(id, at, 32, 'hex');
      bytes.write(sha256, at + 32, 32, 'hex');
      bytes[at + 64] = outcome === 'uploaded' ? 1 : 0;
      at += entryBytes;
    }
    return bytes;
  }

  /** In file order. */
  add({ record, sha256, outcome, request_id: id }: Receipt): void {
    if (id === null || (outcome !== 'uploaded' && outcome !== 'duplicate')) return;
    const first = this.#first.get(id);
    if (!first) {
      if (this.#first.size < maxCompared) this.#first.set(id, { sha256, outcome });
      return;
    }
    if (first.sha256 !== sha256) this.#otherBytes.add(record);
    if (first.outcome === 'uploaded' && outcome === 'uploaded') this.#uploadedTwice.add(record);
  }

  /** For the manifest, and through it for the desk. */
  warnings(): { code: string; message: string }[] {
    const [other, twice] = [this.#otherBytes, this.#uploadedTwice];
    return [
      ...(other.count === 0
        ? []
        : [
            {
              code: 'same_request_id',
              message: `${other.count} records have the request id of an earlier record, and other bytes; the API has the first one: ${other.names()}`,
            },
          ]),
      ...(twice.count === 0
        ? []
        : [
            {
              code: 'uploaded_twice',
              message: `${twice.count} records are reported as uploaded under the request id of an earlier uploaded record; the API has one entry for both: ${twice.names()}`,
            },
          ]),
    ];
  }
}

class NumberedRecords {
  count: number;
  readonly #first: number[];

  constructor({ count, first }: z.infer<typeof numberedRecords> = { count: 0, first: [] }) {
    this.count = count;
    this.#first = [...first];
  }

  save(): z.infer<typeof numberedRecords> {
    return { count: this.count, first: this.#first };
  }

  add(record: number): void {
    this.count++;
    if (this.#first.length < maxNamed) this.#first.push(record);
  }

  names(): string {
    return `${this.#first.join(', ')}${this.count > this.#first.length ? ', …' : ''}`;
  }
}
