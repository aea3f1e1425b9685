import { resolve } from 'node:path';
import { Command } from 'commander';
import type { CopiedEvidence, CopyRequest } from '../archive/copy-evidence.ts';
import { copyEvidence } from '../archive/copy-evidence.ts';
import { copySeries } from '../archive/copy-series.ts';
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
import { examples, fileIdArgument, jsonOption } from './command-options.ts';
import { fileOfId } from './file-of-id.ts';

interface EvidenceOptions extends GlobalOptions {
  out: string;
  publicKey?: string;
  series?: boolean;
  json?: boolean;
}

export function evidenceCommand(terminal: Terminal): Command {
  return new Command('evidence')
    .description("Copy a file's folder of the archive to this machine, and verify the copy as `verify` does.")
    .addArgument(fileIdArgument())
    .requiredOption('--out <dir>', 'the folder to make; it must not exist yet')
    .option('--series', 'also copy the revisions that it was compared with, each into a folder of its own')
    .option('--public-key <file>', 'the key that the manifest must be signed with, PEM')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nThe folder has everything that `verify` needs, offline: all manifests, the source, receipts, dead letters, reports.' +
        '\nExit codes are those of `verify`. A folder that could not be completed is removed.\n' +
        examples(
          'evidence traffic.7c2820ab --out evidence',
          'evidence 7c28 --series --out revisions',
          'evidence 7c28 --out evidence --public-key key.pem --json | jq .verification.valid',
        ),
    )
    .action(async (fileId: string, _options, command: Command) => {
      const options = command.optsWithGlobals<EvidenceOptions>();
      process.exitCode = await interruptible((signal) => evidence(fileId, options, terminal, signal));
    });
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
  const copied = await copying.catch((error: unknown) => {
    if (signal.aborted) throw new InterruptedError('Interrupted: nothing was stored.', { cause: error });
    if (error instanceof DoesNotHoldError)
      throw new CliError(`Nothing was stored: ${error.message}.`, { cause: error });
    throw error;
  });
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
