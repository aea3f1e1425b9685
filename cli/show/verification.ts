import type { ExitCode } from '../exit-codes.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes, formatCount, formatCountOf, formatShare, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Verified, VerifyProgress } from '../verify/verified.ts';
import { DoesNotHoldError } from '../verify/verified.ts';

/** One check in `verify --json`. */
interface CheckLine {
  result: 'valid' | 'invalid' | 'not_checked' | 'note';
  sentence: string;
}

/** A verification as one JSON document: whether it passes, and each check in order. */
export interface Verification {
  valid: boolean;
  /** Everything that the manifest names was checked. */
  complete: boolean;
  checks: CheckLine[];
}

interface Shown {
  /** Print each check as soon as it is made. */
  isText: boolean;
}

/** Makes all checks up to the first one that fails, and prints each of them. */
export async function runVerification(
  checks: AsyncIterable<Verified>,
  { isText }: Shown,
  terminal: Terminal,
): Promise<Verification> {
  const lines: CheckLine[] = [];
  const add = async (line: CheckLine): Promise<void> => {
    lines.push(line);
    if (isText) await terminal.print(`  ${signOf(line, terminal)}  ${oneLine(line.sentence, 400)}\n`);
  };
  try {
    for await (const verified of checks) await add({ result: resultOf(verified), sentence: verified.sentence });
  } catch (error) {
    if (!(error instanceof DoesNotHoldError)) throw error;
    await add({ result: 'invalid', sentence: error.message });
  } finally {
    terminal.endProgress();
  }
  const has = (result: CheckLine['result']): boolean => lines.some((line) => line.result === result);
  return { valid: !has('invalid'), complete: !has('invalid') && !has('not_checked'), checks: lines };
}

/** @param isPartial parts that were not checked are accepted */
export function exitCodeOfVerification({ valid, complete }: Verification, isPartial = false): ExitCode {
  if (!valid) return exitCodes.failed;
  return complete || isPartial ? exitCodes.clean : exitCodes.incomplete;
}

/** The last line; empty if there is nothing to add. */
export function formatUnchecked({ valid, checks }: Verification, isPartial: boolean, { style }: Terminal): string {
  const skipped = checks.filter(({ result }) => result === 'not_checked').length;
  if (!valid || skipped === 0) return '';
  const parts = formatCountOf(skipped, 'part');
  return `  ${style('yellow', '?  ')}  ${parts} not checked${isPartial ? '' : ': no pass (--partial accepts that)'}\n`;
}

export function showVerifyProgress({ what, done, whole }: VerifyProgress, terminal: Terminal): void {
  const share = formatShare(done, whole);
  const text =
    what === 'receipts'
      ? `reading receipts and source  ${share}, ${formatCount(done)} of ${formatCount(whole)} records`
      : `reading the source  ${share} of ${formatBytes(whole)}`;
  terminal.progress(what, text);
}

function resultOf({ isSkipped, isNote }: Verified): CheckLine['result'] {
  if (isSkipped) return 'not_checked';
  return isNote ? 'note' : 'valid';
}

function signOf({ result }: CheckLine, { style }: Terminal): string {
  switch (result) {
    case 'valid':
      return style('green', 'yes');
    case 'invalid':
      return style('red', 'NO ');
    case 'note':
      return style('yellow', '-  ');
    case 'not_checked':
      return style('yellow', '?  ');
  }
}
