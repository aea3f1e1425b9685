import type { EarlierFile, NightEntry, NightFile } from '../../../lambdas/core/nights/night-entry.ts';
import { mustHold } from '../verified.ts';

interface Mention {
  /** The entry that has it as received. */
  entry: number;
  /** The last entry that mentions it. */
  last: number;
  state: NightFile['state'];
  manifest: NightFile['manifest'];
}

/** What the entries so far say of each file. A file is received in one entry, and later entries continue what was said. */
export class NightMentions {
  readonly #files = new Map<string, Mention>();
  /** Of the copy's entries. */
  readonly #first: number;

  constructor(first: number) {
    this.#first = first;
  }

  /** @throws DoesNotHoldError if the entry contradicts an earlier one */
  add({ number, received, earlier }: NightEntry): void {
    for (const { file_id: id, state, manifest } of received) {
      const before = this.#files.get(id);
      mustHold(!before, `night ${number} has ${id} as received, as night ${before?.entry} has`);
      this.#files.set(id, { entry: number, last: number, state, manifest });
    }
    for (const file of earlier) this.#addEarlier(file, number);
  }

  #addEarlier({ file_id: id, entry, before, state, manifest }: EarlierFile, number: number): void {
    const known = this.#files.get(id);
    mustHold(entry < number, `night ${number} says that ${id} was received in night ${entry}`);
    const isKnown = known !== undefined || entry < this.#first;
    mustHold(isKnown, `night ${number} says that ${id} was received in night ${entry}, which does not have it`);
    if (known) {
      const isSame =
        known.entry === entry &&
        known.state === before.state &&
        (known.manifest?.number ?? 0) === before.manifest_number;
      mustHold(isSame, `night ${number} says something else of ${id} than night ${known.last}`);
    }
    mustHold((manifest?.number ?? 0) >= before.manifest_number, `night ${number} has an older manifest of ${id}`);
    this.#files.set(id, { entry, last: number, state, manifest });
  }

  /** The newest manifest of each file. */
  *newest(): Generator<{ fileId: string; key: string }> {
    for (const [fileId, { manifest }] of this.#files) if (manifest) yield { fileId, key: manifest.key };
  }
}
