import type { FileAccount } from '../core/account/file-account.ts';
import type { RevisionPlan } from '../core/series/revision-plan.ts';

type Planned = Pick<FileAccount, 'fileId' | 'sha256' | 'revision'>;

/**
 * The plan that this process has made last: a continuation of the same file, which is often handled by the same process, need
 * not compare millions of records again. Any other process makes the same plan from the same evidence.
 */
export class LatestPlan {
  #key: string | undefined;
  #plan: RevisionPlan | undefined;

  of(file: Planned): RevisionPlan | undefined {
    return this.#key === keyOf(file) ? this.#plan : undefined;
  }

  /** Keeps two bytes per record, in place of the plan that was kept before. */
  keep(file: Planned, plan: RevisionPlan): RevisionPlan {
    plan.forgetKnown();
    this.#key = keyOf(file);
    this.#plan = plan;
    return plan;
  }
}

/** All that a plan is made from. */
function keyOf({ fileId, sha256, revision }: Planned): string {
  return JSON.stringify([fileId, sha256, revision?.bases, revision?.supersedes, revision?.isWhole]);
}
