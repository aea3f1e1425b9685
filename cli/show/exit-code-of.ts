import { isWithoutRecords } from '../../lambdas/core/account/is-without-records.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import type { ExitCode } from '../exit-codes.ts';
import { exitCodes } from '../exit-codes.ts';

/**
 * The exit code for a closed account. A duplicate is clean: each of its records is accounted for under the first file, and
 * a job that drops the same file twice needs no attention.
 */
export function exitCodeOf(manifest: ManifestSummary): ExitCode {
  if (!manifest.reconciled) return exitCodes.failed;
  switch (manifest.state) {
    case 'completed':
      if (isWithoutRecords(manifest) || manifest.held_records > 0) return exitCodes.failed;
      return manifest.dead_lettered_records > 0 ? exitCodes.deadLetters : exitCodes.clean;
    case 'duplicate':
      return exitCodes.clean;
    case 'failed':
    case 'superseded':
    case 'quarantined':
    case 'splitting':
    case 'split':
      return exitCodes.failed;
  }
}
