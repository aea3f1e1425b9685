import { Command } from 'commander';
import type { ExitCode } from '../exit-codes.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes, formatCount, formatCountOf, formatShare, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Verified, VerifyProgress } from '../verify/verified.ts';
import { DoesNotHoldError } from '../verify/verified.ts';
import type { GivenFiles } from '../verify/verify-file.ts';
import { verifyFile } from '../verify/verify-file.ts';

export function verifyCommand(terminal: Terminal): Command {
  return new Command('verify')
    .description(
      "Verify a file's account from a copy of its evidence, offline, or the proof of one record; prints the first thing that is not valid.",
    )
    .argument('<file>', 'a manifest, with the rest of its folder from the archive beside it; or a proof by `prove`')
    .option('--source <file>', 'the file as it was dropped, if it is not in source/ beside the manifest')
    .option('--receipts <file>', 'if they are not beside the manifest')
    .option('--dead-letters <file>', 'if they are not beside the manifest')
    .option('--resolutions <file>', 'if they are not beside the manifest')
    .option('--public-key <file>', 'the key that the manifest must be signed with, PEM')
    .option('--manifest <file>', 'for a proof: the manifest that it refers to')
    .option('--partial', 'accept missing parts of the evidence; unchecked parts are listed')
    .addHelpText(
      'after',
      '\nExit codes: 0 everything that the manifest names was checked and is valid; 1 something is not valid;' +
        '\n3 everything that was checked is valid, but something was not checked (0 with --partial).',
    )
    .action(async (path: string, { partial = false, ...given }: GivenFiles & { partial?: boolean }) => {
      process.exitCode = await verify(path, given, { isPartial: partial }, terminal);
    });
}

async function verify(
  path: string,
  given: GivenFiles,
  { isPartial }: { isPartial: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const { style } = terminal;
  let skipped = 0;
  try {
    for await (const verified of verifyFile(path, given, (progress) => tell(progress, terminal))) {
      if (verified.isSkipped) skipped++;
      await terminal.print(`  ${signOf(verified, terminal)}  ${oneLine(verified.sentence, 400)}\n`);
    }
  } catch (error) {
    if (!(error instanceof DoesNotHoldError)) throw error;
    await terminal.print(`  ${style('red', 'NO ')}  ${oneLine(error.message, 400)}\n`);
    return exitCodes.failed;
  } finally {
    terminal.endProgress();
  }
  if (skipped === 0) return exitCodes.clean;
  const parts = formatCountOf(skipped, 'part');
  await terminal.print(
    `  ${style('yellow', '?  ')}  ${parts} not checked${isPartial ? '' : ': no pass (--partial accepts that)'}\n`,
  );
  return isPartial ? exitCodes.clean : exitCodes.incomplete;
}

function signOf({ isSkipped, isNote }: Verified, { style }: Terminal): string {
  if (isSkipped) return style('yellow', '?  ');
  return isNote ? style('yellow', '-  ') : style('green', 'yes');
}

function tell({ what, done, whole }: VerifyProgress, terminal: Terminal): void {
  const share = formatShare(done, whole);
  const text =
    what === 'receipts'
      ? `reading receipts and source  ${share}, ${formatCount(done)} of ${formatCount(whole)} records`
      : `reading the source  ${share} of ${formatBytes(whole)}`;
  terminal.progress(what, text);
}
