import type { FileDecision } from './stops.ts';

const sentTexts: Record<NonNullable<FileDecision['sends']>, string> = {
  changes: ', only what changed',
  all: ', every record',
};

/** `Released, only what changed, by A. Jones: a new grid` */
export function fileDecisionText({
  kind,
  by,
  why,
  sends,
}: Pick<FileDecision, 'kind' | 'by' | 'why' | 'sends'>): string {
  const what = kind === 'cancel' ? 'Cancelled' : `Released${sends === undefined ? '' : `${sentTexts[sends]},`}`;
  return `${what} by ${by}: ${why}`;
}
