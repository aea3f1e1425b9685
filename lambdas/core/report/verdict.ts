import { cancelledText } from '../account/cancelled-text.ts';
import { isWithoutRecords } from '../account/is-without-records.ts';
import { fileDecisionText } from '../account/decision-text.ts';
import { controlText } from '../control/control-text.ts';
import { durationText } from '../deadlines/deadline-text.ts';
import type { FeedDeadline } from '../deadlines/feed-deadline.ts';
import { deadlineAfter } from '../deadlines/feed-deadline.ts';
import type { Manifest } from '../account/manifest.ts';

export interface Verdict {
  /** `good`: no action needed; `attention`: a person must look at it; `bad`: the file was not processed. */
  kind: 'good' | 'attention' | 'bad';
  sentence: string;
  /** More facts, a sentence each. */
  details: string[];
}

export const count = (figure: number): string => figure.toLocaleString('en-US');

export const records = (figure: number): string => `${count(figure)} ${figure === 1 ? 'record' : 'records'}`;

/** Whether last night's file was processed, in a sentence. @param sink the sink's display name */
export function verdictOf(manifest: Manifest, sink: string, deadline: FeedDeadline | undefined): Verdict {
  const { state, failure, total_records: total, dead_lettered_records: open } = manifest;
  const why = failure?.message ?? '';
  const controlled = manifest.control ? [controlText(manifest.control)] : [];
  const times = [
    ...controlled,
    ...withoutText(manifest),
    ...deadlineText(manifest, deadline),
    ...amendedText(manifest),
  ];
  const sent = manifest.uploaded_records + manifest.duplicate_records;
  if (!manifest.reconciled) {
    const sentence = 'This account does not add up: do not rely on it, and report it to the people who operate Sluice.';
    return { kind: 'bad', sentence, details: times };
  }
  if (state === 'quarantined') {
    const held = `${records(manifest.held_records)} of ${count(total)} were never sent.`;
    const cancelled = cancelledText(manifest);
    if (cancelled !== undefined) return { kind: 'bad', sentence: `${cancelled}.`, details: times };
    return { kind: 'bad', sentence: `This file was stopped. ${held}`, details: [why, ...times] };
  }
  if (state === 'failed') return { kind: 'bad', sentence: `Nothing of this file was sent. ${why}`, details: times };
  if (state === 'superseded' && failure?.code === 'older_revision') {
    return { kind: 'attention', sentence: 'Nothing of this file was sent.', details: [why, ...times] };
  }
  if (state === 'superseded' && failure?.code === 'newer_revision') {
    const sentence = `A newer revision stopped this file: ${count(sent)} of ${records(total)} had reached ${sink}.`;
    return { kind: 'attention', sentence, details: [why, ...times] };
  }
  if (state === 'superseded') {
    const sentence = `This file was replaced while it was being sent; ${count(sent)} of the ${records(total)} read by then reached ${sink}.`;
    return { kind: 'attention', sentence, details: [why, ...times] };
  }
  if (state === 'duplicate') {
    const sentence = `Nothing of this file was sent: it has the same bytes as the file ${manifest.duplicate_of ?? 'unknown'}.`;
    const detail = 'The account of that file says what happened to its records.';
    return { kind: 'attention', sentence, details: [detail, ...times] };
  }
  if (manifest.compared_with.length > 0) return verdictOfRevision(manifest, sink, times);
  if (open > 0) {
    const sentence = `${count(sent)} of ${records(total)} reached ${sink}. ${count(open)} did not and ${open === 1 ? 'needs' : 'need'} attention.`;
    return { kind: 'attention', sentence, details: times };
  }
  if (isWithoutRecords(manifest))
    return { kind: 'bad', sentence: 'Nothing of this file was sent: it has no records.', details: times };
  const rest = manifest.handled_records;
  const settled = rest === 0 ? '' : ` The other ${count(rest)} ${rest === 1 ? 'was' : 'were'} settled by hand.`;
  const all = rest === 0 ? `All ${records(total)}` : `${count(sent)} of ${records(total)}`;
  return { kind: 'good', sentence: `${all} reached ${sink}.${settled}`, details: times };
}

/** A revision of which only the changes were sent. */
function verdictOfRevision(manifest: Manifest, sink: string, details: string[]): Verdict {
  const { total_records: total, unchanged_records: unchanged, dead_lettered_records: open } = manifest;
  const changed = total - unchanged;
  const removed = removedText(manifest);
  if (total === 0) return { kind: 'attention', sentence: `This log has no records any more.${removed}`, details };
  if (changed === 0) {
    const sentence = `None of ${records(total)} changed: ${sink} has all of them, and nothing had to be sent.${removed}`;
    return { kind: removed === '' ? 'good' : 'attention', sentence, details };
  }
  const sent = manifest.uploaded_records + manifest.duplicate_records;
  const which = sent < changed ? `${count(sent)} of them` : sent === 1 ? 'it' : `all ${count(sent)}`;
  const rest = open === 0 ? '' : ` ${count(open)} did not and ${open === 1 ? 'needs' : 'need'} attention.`;
  const sentence = `${isSentWhole(manifest) ? `All ${records(total)} were sent` : changedText(manifest, changed)}, and ${which} reached ${sink}.${rest}${removed}`;
  return { kind: open > 0 || removed !== '' ? 'attention' : 'good', sentence, details };
}

/** A person has decided to send also what the API has. */
const isSentWhole = ({ decisions = [], unchanged_records: unchanged }: Manifest): boolean =>
  unchanged === 0 && decisions.some(({ sends }) => sends === 'all');

/** Without a comparison, it is not known which of them are new. A record that was rejected is neither. */
function changedText({ comparison, total_records: total }: Manifest, changed: number): string {
  const added = comparison?.new_records ?? 0;
  if (added === 0) return `${count(changed)} of ${records(total)} changed`;
  const are = `${count(added)} ${added === 1 ? 'is' : 'are'} new`;
  if (comparison?.changed_records === 0) return `${are} among ${records(total)}`;
  return `${count(comparison?.changed_records ?? 0)} of ${records(total)} changed, ${are}`;
}

function removedText({ removed_records: removed }: Manifest): string {
  if (removed === 0) return '';
  const were = removed === 1 ? '1 was' : `${count(removed)} were`;
  return ` ${were} removed from the log; remove ${removed === 1 ? 'it' : 'them'} from the schedule manually.`;
}

/** In the accounts of both: the one that was left, and the one that went on. */
function withoutText({ decisions = [] }: Manifest): string[] {
  const texts = decisions.map((each) => (each.kind === 'without' ? fileDecisionText(each) : undefined));
  return texts.filter((text) => text !== undefined).map((text) => `${text}.`);
}

function deadlineText({ times }: Manifest, deadline: FeedDeadline | undefined): string[] {
  if (!deadline || times.last_upload === null) return [];
  const until = deadlineAfter(deadline, Date.parse(times.received));
  const marginSeconds = (until - Date.parse(times.last_upload)) / 1000;
  const span = durationText(Math.abs(marginSeconds));
  return [`The last record was accepted ${span} ${marginSeconds >= 0 ? 'before' : 'AFTER'} the deadline.`];
}

function amendedText({
  manifest_number: number,
  resolved_records: resolved,
  handled_records: handled,
}: Manifest): string[] {
  if (number === 1) return [];
  const parts = [
    ...(resolved > 0 ? [`${records(resolved)} accepted since`] : []),
    ...(handled > 0 ? [`${records(handled)} ${handled === 1 ? 'was' : 'were'} settled by hand`] : []),
  ];
  return [`This is manifest ${number} of the file${parts.length > 0 ? `: ${parts.join(', ')}` : ''}.`];
}
