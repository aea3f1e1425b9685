import type { Feed } from '../../feeds/feed.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { mapRow } from '../../lambdas/core/records/prepare-record.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { isStoredApart } from '../../lambdas/core/dead-letters/letter-of.ts';
import { droppedChecksumOf } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import type { DeadLedger, FileLedger } from '../../lambdas/ports.ts';
import type { Claim } from './claims.ts';
import { throwFaults } from './claims.ts';
import type { ColumnChange, ComparedRow } from './compare-row.ts';
import { compareRow, knownColumns } from './compare-row.ts';
import { correctionIdOf } from './correction-id.ts';
import type { ReEncodedCell } from './re-encoding.ts';
import { reEncodingOf, refuseReEncoded } from './re-encoding.ts';

export interface PlannedCorrection {
  file: FileAccount;
  line: number;
  record: number;
  sha256: string;
  correctionId: string;
  row: Record<string, unknown>;
  changes: ColumnChange[];
  /** The field of the record's first failure. */
  field: string | null;
  /** The problems that the feed's schema finds in the corrected row. */
  fault: string | undefined;
  /** The person knows that the API has no earlier version of the row. */
  asNew?: true;
}

export interface CorrectionPlan {
  corrections: PlannedCorrection[];
  /** Rows that the desk did not change. */
  unchanged: number;
  /** Rows whose record has been resolved since. */
  resolved: number;
  /** Columns with values that are not fields of their records. */
  ignored: string[];
}

export interface PlanPorts {
  ledger: Pick<FileLedger, 'getFile'> & Pick<DeadLedger, 'getDead'>;
  readDead: (file: FileAccount) => AsyncIterable<OpenDead>;
  feedNamed: (name: string) => Feed;
}

/** What the rows have come to so far. */
interface Findings {
  plan: CorrectionPlan;
  faults: string[];
  reEncoded: ReEncodedCell[];
}

/**
 * Matches each row of a corrected CSV with its record. Sends nothing.
 * @param asNew the person knows that the API has no earlier version of these rows
 * @throws CliError listing every line that does not match its record, or naming a cell that shows that the CSV was opened or
 * saved in another character set; before anything is done
 */
export async function planCorrections(
  claims: ReadonlyMap<string, readonly Claim[]>,
  feedName: string | undefined,
  ports: PlanPorts,
  asNew?: true,
): Promise<CorrectionPlan> {
  const plan: CorrectionPlan = { corrections: [], unchanged: 0, resolved: 0, ignored: [] };
  const findings: Findings = { plan, faults: [], reEncoded: [] };
  const { faults } = findings;
  for (const [fileId, ofFile] of claims) {
    const file = await ports.ledger.getFile(fileId);
    const fault = file ? fileFault(file, feedName) : `There is no file ${fileId} in the ledger.`;
    if (!file || fault !== undefined) faults.push(`${linesOf(ofFile)}: ${fault}`);
    else await planFile(file, ofFile, findings, ports);
  }
  throwFaults(faults);
  refuseReEncoded(findings.reEncoded);
  const corrections = asNew ? plan.corrections.map((each) => ({ ...each, asNew })) : plan.corrections;
  return { ...plan, corrections, ignored: [...new Set(plan.ignored)] };
}

function fileFault(file: FileAccount, feedName: string | undefined): string | undefined {
  if (feedName === undefined || file.feed === feedName) return undefined;
  return `The file ${file.fileId} belongs to the feed ${file.feed}, not of ${feedName}.`;
}

async function planFile(
  file: FileAccount,
  claims: readonly Claim[],
  findings: Findings,
  ports: PlanPorts,
): Promise<void> {
  const { plan, faults } = findings;
  const wanted = new Map(claims.map((claim) => [claim.record, claim]));
  const opens: OpenDead[] = [];
  for await (const open of ports.readDead(file)) if (wanted.has(open.receipt.record)) opens.push(open);
  const feed = ports.feedNamed(file.feed);
  const known = knownColumns(opens, feed);
  for (const open of opens) {
    const claim = wanted.get(open.receipt.record) as Claim;
    wanted.delete(claim.record);
    const fault = claimFault(claim, open) ?? planRow(claim, open, findings, { known, feed });
    if (fault !== undefined) faults.push(`Line ${claim.line}: ${fault}`);
  }
  for (const { line, record } of wanted.values()) {
    const dead = await ports.ledger.getDead(file.fileId, record);
    if (dead?.state === 'resolved') plan.resolved++;
    else faults.push(`Line ${line}: record ${record} of the file ${file.fileId} is not a dead letter.`);
  }
}

function claimFault({ sha256, checksum, record, hasRaw }: Claim, open: OpenDead): string | undefined {
  const { file, receipt, dead } = open;
  if (sha256 !== receipt.sha256) {
    return `sluice_sha256 is not that of record ${record} of the file ${file.fileId}: the row was moved to another record.`;
  }
  if (checksum !== undefined && checksum !== droppedChecksumOf(open)) {
    return `sluice_checksum is not that of the file ${file.fileId}.`;
  }
  if (hasRaw === false && receipt.raw_encoding === 'head' && isStoredApart(file, receipt)) {
    return (
      `record ${record} of the file ${file.fileId} is too long for its receipt, and its copy in the work bucket is gone: ` +
      'what was changed in the row is not known. Drop a corrected file.'
    );
  }
  if (dead) return undefined;
  return `the letter of record ${record} is not known yet, or is lost: run \`dlq redrive\` for it first.`;
}

/** DynamoDB items have at most 400 KB, and a dead record's item holds its history as well as the correction. */
const maxRowBytes = 200_000;

/** @returns why the row can't be sent; undefined if it can */
function planRow(
  claim: Claim,
  open: OpenDead,
  { plan, reEncoded }: Findings,
  { known, feed }: { known: ReadonlySet<string>; feed: Feed },
): string | undefined {
  const { file, receipt, dead } = open;
  // The list could not read the record: its empty cells are no change.
  const listed = claim.hasRaw ? { ...open, receipt: { ...receipt, raw_encoding: 'head' as const } } : open;
  const { row, changes, ignored } = compareRow(listed, claim.cells, known, feed);
  plan.ignored.push(...ignored);
  reEncoded.push(...reEncodedCells(claim.line, { changes, ignored }, known));
  if (changes.length === 0 || !dead) {
    plan.unchanged++;
    return undefined;
  }
  const bytes = Buffer.byteLength(JSON.stringify(row));
  if (bytes > maxRowBytes) return `the corrected row has ${bytes} bytes; the limit is ${maxRowBytes}.`;
  const mapped = mapRow(row, feed);
  plan.corrections.push({
    file,
    line: claim.line,
    record: claim.record,
    sha256: receipt.sha256,
    correctionId: correctionIdOf(dead, row),
    row,
    changes,
    field: receipt.field ?? null,
    fault: mapped.kind === 'mapped' ? undefined : mapped.problem.message,
  });
  return undefined;
}

/** Cells, and names of columns, that only another character set has changed. */
function reEncodedCells(
  line: number,
  { changes, ignored }: Pick<ComparedRow, 'changes' | 'ignored'>,
  known: ReadonlySet<string>,
): ReEncodedCell[] {
  const names = ignored.flatMap((after) => [...known].map((before) => ({ column: after, before, after })));
  return [...changes, ...names].flatMap(({ column, before = '', after }) => {
    const how = reEncodingOf(before, after);
    return how ? [{ line, column, before, after, how }] : [];
  });
}

function linesOf(claims: readonly Claim[]): string {
  const [first, ...others] = claims;
  return `Line ${first?.line}${others.length === 0 ? '' : ` and ${others.length} more`}`;
}
