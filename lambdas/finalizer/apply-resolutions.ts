import { createHash } from 'node:crypto';
import type { DeadRecord } from '../core/account/file-account.ts';
import type { ManifestError, ReasonCount } from '../core/account/manifest.ts';
import { maxErrors, maxRawCharacters, maxReasons } from '../core/account/manifest.ts';
import { RecordDecisions, recordDecisionOf } from '../core/account/manifest-decision.ts';
import { MerkleRoot } from '../core/account/merkle.ts';
import type { AllCounts, FailedOutcome } from '../core/account/outcome.ts';
import { isFailed } from '../core/account/outcome.ts';
import type { Receipt } from '../core/account/receipt.ts';
import { receipt as receiptSchema } from '../core/account/receipt.ts';
import type { ReceiptsFacts } from '../core/account/receipts-facts.ts';
import { ContradictionError } from '../core/errors.ts';
import { InStep } from '../core/in-step.ts';
import type { ReportFacts } from '../core/report/report-facts.ts';
import type { Resolutions } from './archive-resolutions.ts';
import { resolutionLine } from './archive-resolutions.ts';

/** The account of a file's dead letters. */
export interface DeadLettersAccount {
  /** The receipts' counts, with each resolved dead letter under its resolution. */
  counts: AllCounts;
  /** Dead letters whose record was delivered since. */
  resolved: number;
  /** Dead letters that an operator has settled by hand. */
  handled: number;
  /** The first ones that are open. */
  errors: ManifestError[];
  /** Open dead letters by outcome and reason, in order of first appearance. */
  errorsByReason: ReasonCount[];
  resolutions: Resolutions;
}

/**
 * Goes through the failed records as they failed first, and through what has become of them since, both in the file's
 * order: memory does not grow with their number.
 * @param lines of the archive's dead letters
 * @param dead the ledger's items of them
 * @param facts for the report
 * @throws ContradictionError if they are not the lines that the receipts have
 */
export async function applyResolutions(
  { counts, failed }: ReceiptsFacts,
  lines: AsyncIterable<string>,
  dead: AsyncIterable<DeadRecord>,
  facts: Pick<ReportFacts, 'addFailed'>,
): Promise<DeadLettersAccount> {
  const account = new OpenDeadLetters(counts);
  const resolved = new ResolvedRecords(dead);
  const root = new MerkleRoot();
  for await (const line of lines) {
    root.add(Buffer.from(line));
    const receipt = receiptSchema.parse(JSON.parse(line));
    const { outcome } = receipt;
    if (!isFailed(outcome))
      throw new ContradictionError(`Record ${receipt.record} is no dead letter: it is ${outcome}.`);
    const resolution = await resolved.of(receipt.record);
    facts.addFailed(receipt, resolution);
    account.add(receipt, outcome, resolution);
  }
  if (root.leaves !== failed.lines || root.root().toString('hex') !== failed.root) {
    throw new ContradictionError('The dead letters in the archive are not those of the receipts.');
  }
  return { ...account.result(), resolutions: await resolved.end() };
}

/** Reads the ledger's dead records in step with the receipts. */
class ResolvedRecords {
  readonly #dead: InStep<DeadRecord>;
  readonly #records: number[] = [];
  readonly #hash = createHash('sha256');
  readonly #decisions = new RecordDecisions();

  constructor(dead: AsyncIterable<DeadRecord>) {
    this.#dead = new InStep(this.#noting(dead), ({ record }) => record);
  }

  /** How a record was resolved. @param record higher than the one before */
  async of(record: number): Promise<DeadRecord['resolution']> {
    const dead = await this.#dead.find(record);
    return dead?.state === 'resolved' ? dead.resolution : undefined;
  }

  async end(): Promise<Resolutions> {
    await this.#dead.end();
    return { records: this.#records, sha256: this.#hash.digest('hex'), decisions: this.#decisions.counted };
  }

  async *#noting(all: AsyncIterable<DeadRecord>): AsyncGenerator<DeadRecord> {
    for await (const dead of all) {
      this.#note(dead);
      yield dead;
    }
  }

  #note(dead: DeadRecord): void {
    if (dead.state !== 'resolved' || !dead.resolution) return;
    this.#records.push(dead.record);
    this.#hash.update(resolutionLine(dead));
    const decision = recordDecisionOf(dead);
    if (decision) this.#decisions.add(decision);
  }
}

/** Counts the dead letters, and lists those that are open. */
class OpenDeadLetters {
  readonly #counts: AllCounts;
  readonly #errors: ManifestError[] = [];
  readonly #reasons = new Map<string, ReasonCount>();
  #resolved = 0;
  #handled = 0;

  constructor(counts: AllCounts) {
    this.#counts = { ...counts };
  }

  add(receipt: Receipt, outcome: FailedOutcome, resolution: DeadRecord['resolution']): void {
    if (resolution === 'handled') {
      this.#handled++;
      return;
    }
    if (resolution) {
      // A resolved dead letter counts under its resolution.
      this.#counts[outcome]--;
      this.#counts[resolution]++;
      this.#resolved++;
      return;
    }
    if (this.#errors.length < maxErrors) this.#errors.push(errorOf(receipt, outcome));
    this.#countReason(outcome, receipt.reason ?? 'unknown');
  }

  result(): Omit<DeadLettersAccount, 'resolutions'> {
    return {
      ...{ counts: this.#counts, resolved: this.#resolved, handled: this.#handled },
      ...{ errors: this.#errors, errorsByReason: [...this.#reasons.values()] },
    };
  }

  #countReason(outcome: ReasonCount['outcome'], reason: string): void {
    const own = `${outcome} ${reason}`;
    const isOwn = this.#reasons.has(own) || this.#reasons.size < maxReasons;
    // A record's own reasons always have a space in their key.
    const key = isOwn ? own : outcome;
    const counted = this.#reasons.get(key);
    if (counted) counted.records++;
    else this.#reasons.set(key, { outcome, reason: isOwn ? reason : null, records: 1 });
  }
}

function errorOf(receipt: Receipt, outcome: ManifestError['outcome']): ManifestError {
  return {
    record: receipt.record,
    line: receipt.line,
    offset: receipt.offset,
    outcome,
    field: receipt.field ?? null,
    reason: receipt.reason ?? 'unknown',
    error: receipt.error ?? '',
    status: receipt.status,
    raw_value: firstCharacters(receipt.raw_payload ?? ''),
  };
}

/** Whole characters: cutting a surrogate pair would leave half a character. */
function firstCharacters(text: string): string {
  return Array.from(text.slice(0, 2 * maxRawCharacters))
    .slice(0, maxRawCharacters)
    .join('');
}
