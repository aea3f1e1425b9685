import { isDeepStrictEqual } from 'node:util';
import type { Manifest, ManifestError, ReasonCount } from '../../lambdas/core/account/manifest.ts';
import { isOfReplaced, maxErrors, maxRawCharacters, maxReasons } from '../../lambdas/core/account/manifest.ts';
import { MerkleRoot } from '../../lambdas/core/account/merkle.ts';
import { isFailed, noCounts, outcomes, sumCounts } from '../../lambdas/core/account/outcome.ts';
import type { FailedOutcome } from '../../lambdas/core/account/outcome.ts';
import { InStep } from '../../lambdas/core/in-step.ts';
import { openSource } from './check-source.ts';
import { linesOf, unpack } from './evidence-lines.ts';
import type { CheckedReceipt, RecordResolution, Resolution } from './read-receipt.ts';
import { readReceipt } from './read-receipt.ts';
import type { OnProgress, Verified } from './verified.ts';
import { mustHold } from './verified.ts';

/** Number of receipts between two progress reports. */
const reportEvery = 1_000;

export interface ReceiptFiles {
  receipts: string;
  deadLetters?: string | undefined;
  source?: string | undefined;
}

/**
 * Recomputes the account from the receipts.
 * @param resolutions in the order of the records; undefined if the manifest names some that are missing: checks that need
 * them are left out
 * @throws DoesNotHoldError
 */
export async function* checkReceipts(
  manifest: Manifest,
  files: ReceiptFiles,
  resolutions: AsyncIterable<RecordResolution> | undefined,
  onProgress: OnProgress,
): AsyncGenerator<Verified> {
  const source = files.source === undefined ? undefined : await openSource(manifest, files.source);
  const what = 'the dead letters';
  const dead = files.deadLetters === undefined ? undefined : linesOf(unpack(files.deadLetters, what), what);
  const order = new RecordOrder(manifest);
  const tally = new Tally();
  const resolved = resolutions && new InStep(resolutions, ({ record }) => record);
  const [records, receipts] = [new MerkleRoot(), new MerkleRoot()];
  const whole = manifest.total_records - heldIn(manifest);
  for await (const line of linesOf(unpack(files.receipts, 'the receipts'), 'the receipts')) {
    const receipt = readReceipt(line, `the receipt after record ${order.last}`);
    const isNext = order.add(receipt.record);
    records.add(Buffer.from(receipt.sha256, 'hex'));
    receipts.add(line);
    if (receipts.leaves % reportEvery === 0) onProgress({ what: 'receipts', done: receipts.leaves, whole });
    const isCompared = manifest.compared_with.length > 0 || receipt.earlier_checksums === undefined;
    mustHold(isCompared, `record ${receipt.record} has an earlier version, and the file was compared with none`);
    const resolution = isFailed(receipt.outcome) ? await resolved?.find(receipt.record) : undefined;
    tally.add(receipt, resolution?.resolution);
    await source?.add(receipt, isNext);
    if (!dead || !isFailed(receipt.outcome)) continue;
    const { value } = (await dead.next()) as { value?: Buffer };
    mustHold(
      value?.equals(line) === true,
      `record ${receipt.record} failed, and its line in the dead letters differs or is missing`,
    );
  }
  await resolved?.end();
  const isWhole = order.end();
  mustHold(!dead || (await dead.next()).done === true, 'there is a dead letter of a record that did not fail');
  const { dead_letters_key: deadKey } = manifest.archive;
  // The first manifests did not name dead letters.
  const isNamed = manifest.manifest_version === 1 || (deadKey !== null) === tally.failed > 0;
  mustHold(isNamed, `${tally.failed} records failed, and the manifest names ${deadKey ?? 'no dead letters'}`);
  const sum = sumCounts(tally.counts) + heldIn(manifest);
  if (resolutions) {
    tally.compare(manifest);
    yield { sentence: `the receipts have each record once, and add up to the manifest's counts (${sum})` };
    yield { sentence: 'errors, counts by reason and times match the receipts' };
  } else {
    yield { sentence: `the receipts have each record once (${sum})` };
    yield { sentence: 'counts, errors and reasons depend on resolutions that are missing', isSkipped: true };
  }
  checkRoots(manifest, records, receipts);
  if (dead) yield { sentence: 'the dead letters match the failed records, line by line' };
  yield manifest.proof
    ? { sentence: 'the Merkle roots over records and receipts match the manifest' }
    : { sentence: 'the manifest is older than proofs: it has no Merkle roots', isSkipped: true };
  if (source) yield* await source.end(isWhole);
}

export const heldIn = ({ held_ranges: ranges }: Manifest): number =>
  ranges.reduce((sum, { first_record: first, last_record: last }) => sum + last - first + 1, 0);

/** Checks that receipts and held ranges together have each record number once, in order. */
class RecordOrder {
  last = 0;
  readonly #manifest: Manifest;
  readonly #heldUntil: ReadonlyMap<number, number>;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#heldUntil = new Map(manifest.held_ranges.map((range) => [range.first_record, range.last_record]));
  }

  /** Returns whether this record directly follows the previous one. */
  add(record: number): boolean {
    const expected = this.#pastHeld() + 1;
    const follows = isOfReplaced(this.#manifest) ? record > this.last : record === expected;
    mustHold(follows, `the receipts have record ${record} where ${expected} should be`);
    const isNext = record === this.last + 1;
    this.last = record;
    return isNext;
  }

  /** Returns whether the last receipt is that of the file's last record. */
  end(): boolean {
    const { total_records: total } = this.#manifest;
    mustHold(this.last > 0, 'the receipts are empty');
    if (isOfReplaced(this.#manifest)) return false;
    const end = this.#pastHeld();
    mustHold(
      end === total,
      `receipts and held ranges end with record ${end}, by the receipts, and the total is ${total}`,
    );
    return this.last === total;
  }

  #pastHeld(): number {
    return this.#heldUntil.get(this.last + 1) ?? this.last;
  }
}

/** Sums over all records, compared with the manifest's. */
class Tally {
  readonly counts = noCounts();
  /** Including those that were resolved since. */
  failed = 0;
  #resolved = 0;
  #handled = 0;
  readonly #errors: ManifestError[] = [];
  readonly #reasons = new Map<string, ReasonCount>();
  #delivered = 0;
  #firstUpload: string | null = null;
  #lastUpload: string | null = null;

  add(receipt: CheckedReceipt, resolution: Resolution | undefined): void {
    const { outcome, at } = receipt;
    if (outcome === 'uploaded') {
      this.#delivered++;
      this.#firstUpload = this.#firstUpload === null || at < this.#firstUpload ? at : this.#firstUpload;
      this.#lastUpload = this.#lastUpload === null || at > this.#lastUpload ? at : this.#lastUpload;
    }
    if (!isFailed(outcome)) {
      this.counts[outcome]++;
      return;
    }
    this.failed++;
    if (resolution === 'uploaded' || resolution === 'duplicate') {
      this.counts[resolution]++;
      this.#resolved++;
      return;
    }
    this.counts[outcome]++;
    if (resolution === 'handled') this.#handled++;
    else this.#noteOpen(receipt, outcome);
  }

  #noteOpen(receipt: CheckedReceipt, outcome: FailedOutcome): void {
    const reason = receipt.reason ?? 'unknown';
    if (this.#errors.length < maxErrors) this.#errors.push(errorOf(receipt, outcome));
    const own = `${outcome} ${reason}`;
    const isOwn = this.#reasons.has(own) || this.#reasons.size < maxReasons;
    const key = isOwn ? own : outcome;
    const counted = this.#reasons.get(key) ?? { outcome, reason: isOwn ? reason : null, records: 0 };
    counted.records++;
    this.#reasons.set(key, counted);
  }

  /** @throws DoesNotHoldError at the first figure that differs from the manifest's */
  compare(manifest: Manifest): void {
    for (const outcome of outcomes) {
      const expected = this.counts[outcome] + (outcome === 'held' ? heldIn(manifest) : 0);
      const said = manifest[`${outcome}_records`];
      mustHold(expected === said, `${expected} records are ${outcome} by the receipts, ${said} by the manifest`);
    }
    const { resolved_records: resolved, handled_records: handled, times } = manifest;
    mustHold(this.#resolved === resolved, `${this.#resolved} records were resolved, the manifest says ${resolved}`);
    mustHold(this.#handled === handled, `${this.#handled} records were handled, the manifest says ${handled}`);
    mustHold(
      times.first_upload === this.#firstUpload && times.last_upload === this.#lastUpload,
      'the first and last upload do not match the receipts',
    );
    const delivered = times.delivered_records ?? this.#delivered;
    mustHold(
      this.#delivered === delivered,
      `${this.#delivered} records were delivered, the manifest says ${delivered}`,
    );
    if (manifest.manifest_version === 1) return;
    mustHold(
      isDeepStrictEqual(manifest.errors, this.#errors),
      'the errors do not match the first open records of the receipts',
    );
    mustHold(
      isDeepStrictEqual(manifest.errors_by_reason, [...this.#reasons.values()]),
      'the counts by reason do not match the receipts',
    );
  }
}

function errorOf(receipt: CheckedReceipt, outcome: FailedOutcome): ManifestError {
  return {
    record: receipt.record,
    line: receipt.line,
    offset: receipt.offset,
    outcome,
    field: receipt.field ?? null,
    reason: receipt.reason ?? 'unknown',
    error: receipt.error ?? '',
    status: receipt.status,
    raw_value: Array.from(receipt.raw_payload?.slice(0, 2 * maxRawCharacters) ?? '')
      .slice(0, maxRawCharacters)
      .join(''),
  };
}

function checkRoots({ proof }: Manifest, records: MerkleRoot, receipts: MerkleRoot): void {
  if (!proof) return;
  mustHold(proof.leaves === records.leaves, `the tree has ${records.leaves} leaves, ${proof.leaves} by the manifest`);
  mustHold(proof.records_root === records.root().toString('hex'), 'the Merkle root over the records differs');
  mustHold(proof.receipts_root === receipts.root().toString('hex'), 'the Merkle root over the receipts differs');
}
