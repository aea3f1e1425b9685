import type { ManifestDecision } from './manifest-decision.ts';

const sentTexts: Record<NonNullable<ManifestDecision['sends']>, string> = {
  changes: ', only what changed,',
  all: ', every record,',
};

/** `Released, only what changed, by A. Jones: a new grid`; undefined for a decision that is not about a whole file. */
export function fileDecisionText(decision: ManifestDecision): string | undefined {
  const { kind, by, why, sends, newer_file_id: newer, earlier_file_id: earlier } = decision;
  const decided = `by ${by ?? ''}: ${why ?? ''}`;
  if (kind === 'cancel') return `Cancelled ${decided}`;
  if (kind === 'release') return `Released${sends === undefined ? '' : sentTexts[sends]} ${decided}`;
  return kind === 'without' ? `${newer} goes on without ${earlier}, decided ${decided}` : undefined;
}
