import { Command } from 'commander';
import { exitCodeOfVerification, formatUnchecked, runVerification, showVerifyProgress } from '../show/verification.ts';
import { CliError } from '../cli-error.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { verifyNights } from '../verify/nights/verify-nights.ts';
import { verifySeries } from '../verify/series/verify-series.ts';
import type { OnProgress, Verified } from '../verify/verified.ts';
import type { GivenFiles } from '../verify/verify-file.ts';
import { verifyFile } from '../verify/verify-file.ts';
import { examples, jsonOption } from './command-options.ts';

interface VerifyOptions extends GivenFiles {
  head?: string[];
  nights?: string;
  series?: string;
  from?: string;
  partial?: boolean;
  json?: boolean;
}

export function verifyCommand(terminal: Terminal): Command {
  return new Command('verify')
    .description(
      "Verify a file's account from a copy of its evidence, offline, the proof of one record, the revisions of a series, or a copy of the night log; prints the first thing that is not valid.",
    )
    .argument('[file]', 'a manifest, with the rest of its folder from the archive beside it; or a proof by `prove`')
    .option('--source <file>', 'the file as it was dropped, if it is not in source/ beside the manifest')
    .option('--receipts <file>', 'if they are not beside the manifest')
    .option('--dead-letters <file>', 'if they are not beside the manifest')
    .option('--resolutions <file>', 'if they are not beside the manifest')
    .option('--public-key <file>', 'the key that the manifest must be signed with, PEM')
    .option('--manifest <file>', 'for a proof: the manifest that it refers to')
    .option('--series <dir>', 'in place of a file: a folder with a folder for each revision of a series')
    .option('--nights <dir>', 'in place of a file: a copy of the archive with nights/ and what the nights name')
    .option(
      '--head <[feed=]hash>',
      'for nights: the hash in a mail, which an entry must have; once for each feed',
      (hash: string, others: string[] | undefined) => [...(others ?? []), hash],
    )
    .option('--from <number>', 'for nights: the first entry that the copy should have (default: 1)')
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
          'verify --series evidence',
          'verify --nights copy --head traffic=3f7a... --head music=9c01...',
        ),
    )
    .action(async (path: string | undefined, options: VerifyOptions) => {
      const { partial: isPartial = false, json, ...given } = options;
      const checks = checksOf(path, given, (progress) => showVerifyProgress(progress, terminal));
      const verification = await runVerification(checks, { isText: !json }, terminal);
      if (json) await terminal.printJson(verification);
      else await terminal.print(formatUnchecked(verification, isPartial, terminal));
      process.exitCode = exitCodeOfVerification(verification, isPartial);
    });
}

function checksOf(path: string | undefined, given: VerifyOptions, onProgress: OnProgress): AsyncIterable<Verified> {
  const { nights, series, head, from, ...files } = given;
  if ([path, nights, series].filter((each) => each !== undefined).length !== 1)
    throw new CliError('Name a file, or --series or --nights with a folder.');
  if (series !== undefined) return verifySeries(series, { publicKey: files.publicKey }, onProgress);
  if (nights === undefined) return verifyFile(path ?? '', files, onProgress);
  if (from !== undefined && !/^[1-9][0-9]{0,9}$/.test(from))
    throw new CliError(`--from ${from} is not a number of a night.`);
  const first = from === undefined ? undefined : Number(from);
  return verifyNights(nights, { heads: head, from: first, publicKey: files.publicKey }, onProgress);
}
