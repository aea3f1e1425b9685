import type { FileAccount } from '../account/file-account.ts';
import type { Quarantine, ReleasedRecords } from '../account/stops.ts';
import { needsAnswer } from './earlier-revisions.ts';
import { longestTryMs } from './go-without.ts';
import type { RevisionCounts } from './known-records.ts';

/** What a person has to know of a held revision to decide about it. */
export interface HeldRevision {
  code: NonNullable<Quarantine['code']>;
  /** Absent if it was not compared, or if the comparison does not hold any more. */
  counts?: RevisionCounts;
  /** Its feed's API replaces the entry that a request names. */
  supersedes?: true;
  /** What changed can't be known, so only all of it can be sent. */
  isUnknown?: true;
}

/** An answer to a held revision, in words: for the command's refusal, for mails and for screens. */
export interface ReleaseChoice {
  /** The command's option is this name after `--`. */
  sends: ReleasedRecords;
  name: string;
  /** What is sent, in a sentence. */
  sent: string;
  /** What the API has then, in sentences. */
  then: string;
}

/** Undefined if a release of the file sends what is held, and asks for no answer. */
export function heldRevisionOf({
  quarantine,
  revision,
}: Pick<FileAccount, 'quarantine' | 'revision'>): HeldRevision | undefined {
  if (!quarantine || !needsAnswer(quarantine)) return undefined;
  const { code = 'revision_differs' } = quarantine;
  const isCompared = code !== 'revision_unknown' && code !== 'rules_changed';
  return {
    code,
    ...(revision && isCompared ? { counts: revision.counts } : {}),
    ...(revision?.supersedes ? { supersedes: true } : {}),
    ...(code === 'revision_unknown' && !revision ? { isUnknown: true } : {}),
  };
}

/** The answers that apply, the one that sends less first. */
export function releaseChoices(held: HeldRevision): ReleaseChoice[] {
  const all: ReleaseChoice = { sends: 'all', name: 'Every record', ...allTexts(held) };
  return held.isUnknown ? [all] : [{ sends: 'changes', name: 'Only what changed', ...changesTexts(held) }, all];
}

/** Of a revision that waits for an earlier one to close. @param earlier its file id */
export function withoutChoice(earlier: string): Omit<ReleaseChoice, 'sends'> {
  const minutes = longestTryMs / 60_000;
  return {
    name: `Go on without ${earlier}`,
    sent:
      `Nothing more of ${earlier} is sent, and no record of it is tried again. As soon as it is closed, this file is compared ` +
      'with what the API has of it: a record of which that is not known counts as changed.',
    then:
      `If nothing closes ${earlier} for ${minutes} minutes, what the API has of it is not known: this file is then held, and ` +
      'a person decides whether every record is sent.',
  };
}

type Texts = Pick<ReleaseChoice, 'sent' | 'then'>;

function changesTexts({ code, counts, supersedes }: HeldRevision): Texts {
  if (code === 'rules_changed') {
    return {
      sent: 'What was not sent yet is compared by the rules that are deployed now, and what differs is sent.',
      then: 'The API then has the records of this file.',
    };
  }
  if (!counts) {
    return {
      sent: "The file is compared with the earlier one, and what differs is sent. If it can't be compared, it is held again.",
      then: 'The API then has the records of this file.',
    };
  }
  const { added, changed, removed } = counts;
  const parts = [...(added > 0 ? [`${n(added)} new`] : []), ...(changed > 0 ? [`${n(changed)} changed`] : [])];
  const are = added + changed === 1 ? 'record is' : 'records are';
  const replaced =
    changed === 0
      ? 'The API then has the records of this file.'
      : supersedes
        ? `The API then has the records of this file: each changed one takes the place of its earlier entry.`
        : `An API that replaces a record by a key of its own then has the records of this file; any other API has the ${n(changed)} changed twice, as before and as now.`;
  return {
    sent:
      parts.length === 0 ? 'Nothing is sent: no record is new or changed.' : `Its ${parts.join(' and ')} ${are} sent.`,
    then: [replaced, ...removedText(removed)].join(' '),
  };
}

function allTexts({ code, counts, supersedes }: HeldRevision): Texts {
  if (!counts) {
    const which = code === 'rules_changed' ? 'Every record that was not sent yet' : 'Every record';
    const those = supersedes
      ? 'Each names the entry that it supersedes, as far as that is known.'
      : 'An API without a key of its own then has the records of both files twice, unless a person removes the earlier entries first.';
    return { sent: `${which} is sent, also those that the API has.`, then: those };
  }
  const { unchanged, changed, added, removed } = counts;
  const known = unchanged + changed;
  const twice = supersedes
    ? 'The API then has the records of this file: each names the entry that it supersedes.'
    : `An API that replaces a record by a key of its own then has the records of this file; any other API has ${n(known)} of them twice.`;
  return {
    sent: `All ${n(known + added)} valid records are sent, also the ${n(unchanged)} that the API has as they are.`,
    then: [known === 0 ? 'The API then also has the records of this file.' : twice, ...removedText(removed)].join(' '),
  };
}

function removedText(removed: number): string[] {
  if (removed === 0) return [];
  return [
    removed === 1
      ? 'The removed record stays there until a person removes it.'
      : `The ${n(removed)} removed records stay there until a person removes them.`,
  ];
}

const n = (figure: number): string => figure.toLocaleString('en-US');
