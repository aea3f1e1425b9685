import { resolve } from 'node:path';
import { Command } from 'commander';
import type { CopiedEvidence, CopyRequest } from '../archive/copy-evidence.ts';
import { copyEvidence } from '../archive/copy-evidence.ts';
import { copySeries } from '../archive/copy-series.ts';
import { copyNights } from '../archive/copy-nights.ts';
import { readManifest } from '../archive/read-archive.ts';
import { InterruptedError, interruptible } from '../interrupt.ts';
import { exitCodeOfVerification, formatUnchecked, runVerification, showVerifyProgress } from '../show/verification.ts';
import { openStack } from '../stack/open-stack.ts';
import { formatBytes, formatCountOf } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { verifySeries } from '../verify/series/verify-series.ts';
import type { OnProgress } from '../verify/verified.ts';
import { DoesNotHoldError } from '../verify/verified.ts';
import { CliError } from '../cli-error.ts';
import { verifyFile } from '../verify/verify-file.ts';
import type { GlobalOptions } from './command-options.ts';
import { noNightYet } from '../nights/read-nights.ts';
import { verifyNights } from '../verify/nights/verify-nights.ts';
import { examples, feedOption, fileIdArgument, jsonOption } from './command-options.ts';
import { oneFeed } from './night.ts';
import { parseNumber } from './nights.ts';
import { fileOfId } from './file-of-id.ts';

interface EvidenceOptions extends GlobalOptions {
  out: string;
  nights?: number;
  feed?: string;
  publicKey?: string;
  series?: boolean;
  json?: boolean;
}

export function evidenceCommand(terminal: Terminal): Command {
  return new Command('evidence')
    .description(
      "Copy a file's folder of the archive, or the newest nights with all of their files, to this machine, and verify the copy as `verify` does.",
    )
    .addArgument(fileIdArgument().argOptional())
    .requiredOption('--out <dir>', 'the folder to make; it must not exist yet')
    .option('--series', 'also copy the revisions that it was compared with, each into a folder of its own')
    .option(
      '--nights <number>',
      'in place of a file: so many of the newest nights, with everything that they name',
      parseNumber,
    )
    .addOption(feedOption('for --nights: needed if the stack has several feeds'))
    .option('--public-key <file>', 'the key that the manifest must be signed with, PEM')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nThe folder has everything that `verify` needs, offline: all manifests, the source, receipts, dead letters, reports.' +
        '\nExit codes are those of `verify`. A folder that could not be completed is removed.\n' +
        examples(
          'evidence traffic.7c2820ab --out evidence',
          'evidence 7c28 --series --out revisions',
          'evidence --nights 14 --feed traffic --out nights',
          'evidence 7c28 --out evidence --public-key key.pem --json | jq .verification.valid',
        ),
    )
    .action(async (fileId: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<EvidenceOptions>();
      if ((fileId === undefined) === (options.nights === undefined)) throw new CliError('Name a file, or --nights.');
      process.exitCode = await interruptible((signal) =>
        fileId === undefined ? nightsEvidence(options, terminal, signal) : evidence(fileId, options, terminal, signal),
      );
    });
}

async function nightsEvidence(options: EvidenceOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { publicKey, json: isJson = false, nights: last = 1 } = options;
  const stack = await openStack(options.stack, process.env);
  const feed = oneFeed(stack, options.feed);
  const dir = resolve(options.out);
  const onProgress = (files: number): void =>
    terminal.progress('copy', `copying the evidence  ${formatCountOf(files, 'file')}`);
  const copied = await copyNights(stack, { feed, last, dir, onProgress, signal }).catch((error: unknown) =>
    refuseCopy(error, signal),
  );
  terminal.endProgress();
  const { nights, head, files } = copied;
  if (!nights) throw new CliError(noNightYet(feed));
  terminal.note(`nights ${nights.from} to ${nights.to} with ${formatCountOf(files, 'file')}, copied to ${dir}`);
  const given = { heads: head === undefined ? [] : [`${feed}=${head}`], publicKey, from: nights.from };
  const checks = verifyNights(dir, given, (progress) => showVerifyProgress(progress, terminal));
  const verification = await runVerification(checks, { isText: !isJson }, terminal);
  if (isJson) await terminal.printJson({ feed, path: dir, nights, head, files, verification });
  else await terminal.print(formatUnchecked(verification, false, terminal));
  return exitCodeOfVerification(verification);
}

/** @throws always: nothing is left of an incomplete copy */
function refuseCopy(error: unknown, signal: AbortSignal): never {
  if (signal.aborted) throw new InterruptedError('Interrupted: nothing was stored.', { cause: error });
  if (error instanceof DoesNotHoldError) throw new CliError(`Nothing was stored: ${error.message}.`, { cause: error });
  throw error;
}

async function evidence(
  typed: string,
  options: EvidenceOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { publicKey, json: isJson = false } = options;
  const stack = await openStack(options.stack, process.env);
  const { manifest } = await readManifest(stack, await fileOfId(stack, typed));
  const dir = resolve(options.out);
  const request: CopyRequest = {
    manifestKey: manifest.archive.manifest_key,
    dir,
    onProgress: (objects) => terminal.progress('copy', `copying the evidence  ${formatCountOf(objects, 'object')}`),
    signal,
  };
  const copying: Promise<Partial<CopiedEvidence> & { objects: number; bytes: number }> = options.series
    ? copySeries(stack, request)
    : copyEvidence(stack, request);
  const copied = await copying.catch((error: unknown) => refuseCopy(error, signal));
  terminal.endProgress();
  const { renamedSource: source, objects, bytes } = copied;
  terminal.note(`${formatCountOf(objects, 'object')}, ${formatBytes(bytes)}, copied to ${dir}`);
  if (source !== undefined)
    terminal.note(`This machine can't have the source's name: verify it with --source ${source}`);
  const onProgress: OnProgress = (progress) => showVerifyProgress(progress, terminal);
  const checks =
    copied.manifest === undefined
      ? verifySeries(dir, { publicKey }, onProgress)
      : verifyFile(copied.manifest, { source, publicKey }, onProgress);
  const verification = await runVerification(checks, { isText: !isJson }, terminal);
  if (isJson) {
    const where = { file_id: manifest.file_id, path: dir, manifest: copied.manifest ?? null, source: source ?? null };
    await terminal.printJson({ ...where, objects, bytes, verification });
  } else await terminal.print(formatUnchecked(verification, false, terminal));
  return exitCodeOfVerification(verification);
}
