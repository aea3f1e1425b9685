import { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes, formatCount, formatShare, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { VerifyProgress } from '../verify/verify-account.ts';
import { DoesNotHoldError } from '../verify/verify-account.ts';
import type { GivenFiles } from '../verify/verify-file.ts';
import { verifyFile } from '../verify/verify-file.ts';

export function verifyCommand(terminal: Terminal): Command {
  return new Command('verify')
    .description(
      "Compute a file's account anew from its evidence on this machine, offline, or check the proof of one record; names the first thing that doesn't hold.",
    )
    .argument('<file>', 'a manifest, with the rest of its folder of the archive beside it; or a proof by `prove`')
    .option('--source <file>', 'the file as it was dropped, where it is not in source/ beside the manifest')
    .option('--receipts <file>', 'where they are not beside the manifest')
    .option('--dead-letters <file>', 'where they are not beside the manifest')
    .option('--resolutions <file>', 'where they are not beside the manifest')
    .option('--public-key <file>', 'the key that the manifest has to be signed with, PEM')
    .option('--manifest <file>', 'of a proof: the manifest that it is about')
    .addHelpText('after', '\nExits with 0 where everything holds that could be looked at, else with 1.')
    .action(async (path: string, given: GivenFiles) => {
      process.exitCode = (await verify(path, given, terminal)) ? exitCodes.clean : exitCodes.failed;
    });
}

async function verify(path: string, given: GivenFiles, terminal: Terminal): Promise<boolean> {
  const { style } = terminal;
  try {
    for await (const { sentence, isSkipped } of verifyFile(path, given, (progress) => tell(progress, terminal))) {
      await terminal.print(
        `  ${isSkipped ? style('yellow', '-  ') : style('green', 'yes')}  ${oneLine(sentence, 400)}\n`,
      );
    }
    return true;
  } catch (error) {
    if (!(error instanceof DoesNotHoldError)) throw error;
    await terminal.print(`  ${style('red', 'NO ')}  ${oneLine(error.message, 400)}\n`);
    return false;
  } finally {
    terminal.endProgress();
  }
}

function tell({ what, done, whole }: VerifyProgress, terminal: Terminal): void {
  const share = formatShare(done, whole);
  const text =
    what === 'receipts'
      ? `reading receipts and source  ${share}, ${formatCount(done)} of ${formatCount(whole)} records`
      : `reading the source  ${share} of ${formatBytes(whole)}`;
  terminal.progress(what, text);
}
