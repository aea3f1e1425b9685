import type { ControlRule } from '../../../feeds/control-rule.ts';
import type { SourceObject } from '../account/file-account.ts';
import type { RevisionPlace } from '../series/revision-order.ts';
import { compareRevisions } from '../series/revision-order.ts';

/** A version of a file that requires a control file. */
export interface ControlledFile extends RevisionPlace {
  fileId: string;
}

/** A version of a control file. */
export interface SeenControl extends RevisionPlace {
  source: SourceObject;
}

/** Which versions of a file and of its control file have come, each in the order in which they were announced. */
export interface SeenControls {
  files: readonly ControlledFile[];
  controls: readonly SeenControl[];
}

/** Versions of each that are remembered: the latest to come. */
export const maxSeenVersions = 50;

/**
 * The file that a control file speaks of. One that comes after its file: the newest version that is not newer than itself.
 * One that comes before: the next version. S3 stores times to the second, so what has the same time counts for both.
 */
export function spokenOf(
  control: RevisionPlace,
  files: readonly ControlledFile[],
  comes: ControlRule['comes'],
): ControlledFile | undefined {
  const [out, better] = comes === 'after' ? (['newer', 'newer'] as const) : (['older', 'older'] as const);
  let found: ControlledFile | undefined;
  for (const file of files) {
    if (compareRevisions(file, control) === out) continue;
    if (found === undefined || compareRevisions(file, found) === better) found = file;
  }
  return found;
}

/** The newest control file that speaks of a file, and the ones before it. */
export function controlsOf(fileId: string, seen: SeenControls, comes: ControlRule['comes']): SeenControl[] {
  return seen.controls
    .filter((control) => spokenOf(control, seen.files, comes)?.fileId === fileId)
    .sort((a, b) => ({ older: 1, newer: -1, tie: 0 })[compareRevisions(a, b)]);
}

/** Whether two objects are the same version of the same key. */
export function isSameVersion(a: SourceObject, b: SourceObject): boolean {
  return a.bucket === b.bucket && a.key === b.key && a.versionId === b.versionId && a.etag === b.etag;
}
