import { Command } from 'commander';
import { exitCodeOfVerification, formatUnchecked, runVerification, showVerifyProgress } from '../show/verification.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GivenFiles } from '../verify/verify-file.ts';
import { verifyFile } from '../verify/verify-file.ts';
import { examples, jsonOption } from './command-options.ts';

interface VerifyOptions extends GivenFiles {
  partial?: boolean;
  json?: boolean;
}

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
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit codes: 0 everything that the manifest names was checked and is valid; 1 something is not valid;' +
        '\n3 everything that was checked is valid, but something was not checked (0 with --partial).\n' +
        examples(
          'verify evidence/manifest.json',
          'verify evidence/manifest.2.json --public-key key.pem --json | jq .valid',
          'verify proof.json --manifest evidence/manifest.json',
        ),
    )
    .action(async (path: string, { partial: isPartial = false, json, ...given }: VerifyOptions) => {
      const checks = verifyFile(path, given, (progress) => showVerifyProgress(progress, terminal));
      const verification = await runVerification(checks, { isText: !json }, terminal);
      if (json) await terminal.printJson(verification);
      else await terminal.print(formatUnchecked(verification, isPartial, terminal));
      process.exitCode = exitCodeOfVerification(verification, isPartial);
    });
}
