import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { ControlKind } from '../../feeds/control-rule.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import { ControlFileError } from '../core/control/control-file-error.ts';
import type { ControlDifferences, OddValue } from '../core/control/control-differences.ts';
import { unreadableControl, valueDifferences } from '../core/control/control-differences.ts';
import { parseCounts } from '../core/control/parse-counts.ts';
import { parseSums } from '../core/control/parse-sums.ts';
import { BatchCutter, startOf } from '../core/records/batch-cutter.ts';
import type { CutPosition } from '../core/records/dialect.ts';
import { decodeText } from '../core/records/decode-text.ts';
import { compareRows } from './compare-rows.ts';
import type { CompareControlPorts, ControlledContent } from './controlled-content.ts';
import { cutContent } from './controlled-content.ts';

export type ControlComparison =
  /** `sha256`: of the control file's bytes. Without differences, the two agree. */
  | { kind: 'compared'; sha256: string; differences?: ControlDifferences }
  /** `counted`: how far the records are counted, for the next time. */
  | { kind: 'out-of-time'; counted?: CutPosition };

/** A control file of another kind has one line or a few. Bytes. */
const maxSmallBytes = 64 * 1024;
/** Ten million rows of 200 bytes. */
const maxRowsBytes = 2 * 1024 ** 3;

/**
 * Compares a file with its control file: values as they are written, before anything is validated.
 * @param whole the file's bytes, if they are in memory
 * @param counted where an earlier invocation's count ended
 * @throws what reading the two throws
 */
export async function compareControl(
  kind: ControlKind,
  control: SourceObject,
  file: ControlledContent,
  whole: Buffer | undefined,
  ports: CompareControlPorts,
  counted?: CutPosition,
): Promise<ControlComparison> {
  const read = await readControl(kind, control, ports);
  if (read === 'out-of-time') return { kind: 'out-of-time' };
  const { sha256, bytes } = read;
  try {
    if (bytes === undefined) throw new ControlFileError(tooLarge(kind, control.sizeBytes));
    if (kind === 'rows') {
      const differences = await compareRows(control, file, whole, ports);
      if (differences === 'out-of-time') return { kind: 'out-of-time' };
      return { kind: 'compared', sha256, ...(differences ? { differences } : {}) };
    }
    const text = textOf(bytes);
    const odd = kind === 'sha256sum' ? oddSum(text, file) : await oddCounts(text, file, whole, ports, counted);
    if (!Array.isArray(odd)) return { kind: 'out-of-time', counted: odd };
    return { kind: 'compared', sha256, ...(odd.length > 0 ? { differences: valueDifferences(odd) } : {}) };
  } catch (error) {
    if (!(error instanceof ControlFileError)) throw error;
    return { kind: 'compared', sha256, differences: unreadableControl(error.message) };
  }
}

/** Its hash, and its bytes if it is small; undefined if it is too large for its kind. */
async function readControl(
  kind: ControlKind,
  control: SourceObject,
  { sources, goesOn }: CompareControlPorts,
): Promise<{ sha256: string; bytes: Buffer | undefined } | 'out-of-time'> {
  const hash = createHash('sha256');
  const isTooLarge = control.sizeBytes > (kind === 'rows' ? maxRowsBytes : maxSmallBytes);
  const kept: Buffer[] = [];
  for await (const chunk of sources.read(control, 0)) {
    hash.update(chunk);
    if (kind !== 'rows' && !isTooLarge) kept.push(chunk);
    if (!(await goesOn())) return 'out-of-time';
  }
  return { sha256: hash.digest('hex'), bytes: isTooLarge ? undefined : Buffer.concat(kept) };
}

const tooLarge = (kind: ControlKind, bytes: number): string =>
  `It has ${bytes} bytes; one of the kind ${kind} has at most ${kind === 'rows' ? '2 GiB' : '64 KiB'}.`;

function textOf(bytes: Buffer): string {
  const text = decodeText(bytes, 'utf-8');
  if (text === null) throw new ControlFileError('It is not valid UTF-8.');
  return text.replace(/^\ufeff/, '');
}

function oddSum(text: string, { source, sha256 }: ControlledContent): OddValue[] {
  const control = parseSums(text, source.key.slice(source.key.lastIndexOf('/') + 1));
  return control === sha256 ? [] : [{ what: 'SHA-256', control, file: sha256 }];
}

async function oddCounts(
  text: string,
  file: ControlledContent,
  whole: Buffer | undefined,
  ports: CompareControlPorts,
  counted: CutPosition | undefined,
): Promise<OddValue[] | CutPosition> {
  const { records, bytes } = parseCounts(text);
  const odd: OddValue[] = [];
  if (bytes !== undefined && bytes !== file.source.sizeBytes) {
    odd.push({ what: 'bytes', control: String(bytes), file: String(file.source.sizeBytes) });
  }
  if (records === undefined) return odd;
  const end = await countRecords(file, whole, ports, counted);
  if (typeof end !== 'number') return end;
  if (end !== records) odd.push({ what: 'records', control: String(records), file: String(end) });
  return odd;
}

/** The number of records, or the position that was reached in time. */
async function countRecords(
  file: ControlledContent,
  whole: Buffer | undefined,
  ports: CompareControlPorts,
  counted: CutPosition | undefined,
): Promise<number | CutPosition> {
  const { dialect, records } = file;
  if (records !== undefined || !dialect) return records ?? 0;
  const cutter = new BatchCutter(dialect, file.limits, counted ?? startOf(dialect));
  for await (const _ of cutContent(cutter, file, whole, ports.sources)) {
    if (!(await ports.goesOn())) return cutter.position;
  }
  return cutter.position.record;
}
