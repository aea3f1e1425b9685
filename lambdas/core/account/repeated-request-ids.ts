import type { Receipt } from './receipt.ts';

/** Records of a file whose request ids are compared; each takes about 200 bytes of memory. */
const maxCompared = 100_000;

/** Record numbers listed in a warning. */
const maxNamed = 20;

/**
 * Finds the records of a file that share a request id with an earlier record. The API keeps the first one, so such a
 * record's own bytes are not stored; across batches it may even be reported as uploaded, if the API answers a repetition
 * like a first request.
 */
export class RepeatedRequestIds {
  readonly #first = new Map<string, { sha256: string; outcome: Receipt['outcome'] }>();
  readonly #otherBytes = new NumberedRecords();
  readonly #uploadedTwice = new NumberedRecords();

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
  count = 0;
  readonly #first: number[] = [];

  add(record: number): void {
    this.count++;
    if (this.#first.length < maxNamed) this.#first.push(record);
  }

  names(): string {
    return `${this.#first.join(', ')}${this.count > this.#first.length ? ', …' : ''}`;
  }
}
