import { countsText } from '../series/counts-text.ts';
import type { HeldRevision } from '../series/release-choices.ts';
import { releaseChoices } from '../series/release-choices.ts';
import { noticeKinds } from './file-notice.ts';
import type { FileNotice, NoticeKind } from './file-notice.ts';
import { sluiceOf } from './mail-lines.ts';

export interface Mail {
  subject: string;
  text: string;
}

/** No one would read more; `sluice status` lists them all. */
const maxNames = 5;
const maxReasons = 8;

interface Words {
  /** After `a file` in the subject of a mail about one. */
  one: string;
  /** After a number of files. */
  many: string;
  /** After the number, in the subject of a mail about several kinds. */
  short: string;
}

const words: Record<NoticeKind, Words> = {
  failed: {
    one: 'failed, nothing of it was sent',
    many: 'failed, nothing of them was sent',
    short: 'failed',
  },
  empty: {
    one: 'has no records, nothing was sent',
    many: 'have no records, nothing was sent',
    short: 'without records',
  },
  stopped: { one: 'was stopped', many: 'were stopped', short: 'stopped' },
  replaced: {
    one: 'was replaced while it was read',
    many: 'were replaced while they were read',
    short: 'replaced',
  },
  'dropped-again': {
    one: 'was dropped again with other bytes, and all of it was sent',
    many: 'were dropped again with other bytes, and all of them were sent',
    short: 'dropped again',
  },
  'removed-records': {
    one: 'was sent, and records are to be removed by hand',
    many: 'were sent, and records are to be removed by hand',
    short: 'with records to be removed by hand',
  },
  duplicate: {
    one: 'was not sent, it has the same bytes as an earlier one',
    many: 'were not sent, they have the same bytes as earlier ones',
    short: 'duplicates',
  },
  'older-revision': {
    one: 'was not sent, a newer revision came first',
    many: 'were not sent, newer revisions came first',
    short: 'older revisions',
  },
  'newer-revision': {
    one: 'was stopped, a newer revision is sent in its place',
    many: 'were stopped, newer revisions are sent in their place',
    short: 'replaced by newer revisions',
  },
};

/**
 * One mail for all files of a feed that ended since the last one. @param notices at least one
 */
export function mailOf(notices: readonly FileNotice[], stackName: string): Mail {
  const [first] = notices;
  if (!first) throw new RangeError('There is nothing to say.');
  const sluice = sluiceOf(stackName);
  return notices.length === 1 ? mailOfOne(first, sluice) : mailOfMany(first.feed, notices, sluice);
}

function mailOfOne(notice: FileNotice, sluice: string): Mail {
  const { feed, fileId, kind, name, message, manifestUri } = notice;
  const held = kind === 'stopped' ? `, ${count(notice.held)} records are held` : '';
  return {
    subject: `Sluice ${feed}: a file ${words[kind].one}${held}`,
    text: [
      `${name} (file ${fileId}) ${words[kind].one}.`,
      ...(message === '' ? [] : [message]),
      ...(kind === 'duplicate'
        ? [`The file ${notice.duplicateOf ?? 'unknown'} was read in the same way, and is in progress or was accepted.`]
        : []),
      '',
      ...(notice.total > 0 ? [countsOf(notice)] : []),
      ...revisionLines(notice),
      `Manifest: ${manifestUri}`,
      '',
      'What to do:',
      ...whatToDo(notice, sluice),
      '',
    ].join('\n'),
  };
}

function mailOfMany(feed: string, notices: readonly FileNotice[], sluice: string): Mail {
  const groups = noticeKinds
    .map((kind) => notices.filter((notice) => notice.kind === kind))
    .filter((group) => group.length > 0);
  const parts = groups.map((group) => `${count(group.length)} ${words[kindOf(group)].short}`);
  const only = groups.length === 1 ? words[kindOf(notices)].many : undefined;
  return {
    subject: `Sluice ${feed}: ${count(notices.length)} files ${only ?? `need attention: ${parts.join(', ')}`}`.slice(
      0,
      100,
    ),
    text: `${[...groups.map((group) => groupText(group, sluice)), `All of them:  ${sluice} status`].join('\n\n')}\n`,
  };
}

function groupText(group: readonly FileNotice[], sluice: string): string {
  const kind = kindOf(group);
  const reasons = [...Map.groupBy(group, ({ code = '' }) => code)].sort((a, b) => b[1].length - a[1].length);
  const names = group
    .slice(0, maxNames)
    .flatMap((notice) => [
      `  ${notice.name} (file ${notice.fileId})`,
      ...revisionLines(notice).map((line) => `    ${line}`),
    ]);
  const [first] = group;
  // Files that were stopped for different reasons need different things.
  const steps =
    group.length === 1 && first
      ? whatToDo(first, sluice)
      : reasons.slice(0, maxReasons).flatMap(([, [example]]) => (example ? whatToDo(anyOf(example), sluice) : []));
  return [
    `${count(group.length)} ${group.length === 1 ? `file ${words[kind].one}` : `files ${words[kind].many}`}:`,
    ...reasons.slice(0, maxReasons).map(([code, of]) => `  ${count(of.length)} ${exampleOf(code, of)}`),
    ...(reasons.length > maxReasons ? [`  … and other reasons`] : []),
    ...names,
    ...(group.length > maxNames ? [`  … and ${count(group.length - maxNames)} more`] : []),
    ...new Set(steps),
  ].join('\n');
}

/** For several files: without what only this one has. */
function anyOf({ revision, ...notice }: FileNotice): FileNotice {
  const { counts: _, ...held } = revision?.held ?? {};
  return { ...notice, fileId: 'FILE_ID', ...('code' in held ? { revision: { held } } : {}) };
}

/** Counts and a key: a mail has no text of a record. */
function revisionLines({ revision }: FileNotice): string[] {
  const { counts, changesUri } = revision ?? {};
  return [
    ...(counts ? [`Compared with the revision before: ${countsText(counts)}`] : []),
    ...(changesUri === undefined ? [] : [`What it changes: ${changesUri}`]),
  ];
}

function exampleOf(code: string, [first]: readonly FileNotice[]): string {
  return [code, first?.message ?? ''].filter((part) => part !== '').join(': ');
}

function kindOf([first]: readonly FileNotice[]): NoticeKind {
  return first?.kind ?? 'failed';
}

function countsOf({ uploaded, rejected, held, total }: FileNotice): string {
  return `uploaded ${count(uploaded)}, rejected ${count(rejected)}, held ${count(held)}, total ${count(total)}`;
}

function whatToDo(notice: FileNotice, sluice: string): string[] {
  const { kind, fileId, feed, duplicateOf } = notice;
  switch (kind) {
    case 'failed':
      return [
        '- Correct what the sentence above says, and drop the file again.',
        `- Before that:  sluice check FILE --feed ${feed}  shows whether it is read now.`,
      ];
    case 'empty':
      return ['- Find out why the export has no records, and drop one that has.'];
    case 'stopped':
      return whatStoppedNeeds(notice, sluice);
    case 'replaced':
      return [
        '- Nothing, if the file that replaced it is the right one: it has an account of its own. Records that both files',
        '  have are sent twice, unless their revisions are known (docs/settings.md).',
      ];
    case 'removed-records':
      return [
        `- See which:  ${sluice} changes ${fileId} --only removed  (as a CSV: --csv). A moved one is also new in its new place.`,
        '- Remove them from the schedule: Sluice removes nothing from an API. One that is only damaged in this file is not',
        '  to be removed.',
      ];
    case 'duplicate':
      return [
        `- Nothing, if the same export was dropped twice. What happened to its records:  ${sluice} status ${duplicateOf ?? ''}`,
        '- If it should have other contents: export it again and drop that file.',
      ];
    case 'newer-revision':
      return ['- Nothing, if the newer file is the right one: it is compared with what was sent of this one.'];
    case 'older-revision':
      return [
        '- Nothing, if the newer file is the right one. Otherwise export the right one again and drop that file.',
      ];
    case 'dropped-again':
      return [
        '- Look for records in the API that are there twice: those that both files have. Remove what is not wanted there.',
        `- What was sent:  ${sluice} manifest ${fileId}`,
      ];
  }
}

function whatStoppedNeeds({ code, fileId, revision }: FileNotice, sluice: string): string[] {
  const held = revision?.held ?? heldBefore(code);
  if (held) return whatHeldNeeds(held, fileId, sluice);
  if (code === 'other_header') {
    return [
      '- The records before that line were sent as usual. Cut the file there and drop the rest, with its own header, as a',
      '  file of its own. It can not be released: its rows would be read by the wrong header.',
    ];
  }
  if (code === 'control_differs') {
    return [
      `- The list of what differs, as a CSV:  ${sluice} manifest ${fileId}  names it ("what differs"). The control room has it too.`,
      '- If the file is wrong: drop the right one, with its control file.',
      `- If the control file is wrong: ${sluice} release ${fileId} --why "..."  sends all of its records.`,
    ];
  }
  return [
    '- If it is a wrong file: drop the right one. No more of this file is sent; its uploaded records stay uploaded.',
    `- If it is the right file: ${sluice} release ${fileId} --why "..."  sends the held records, and only those.`,
  ];
}

/** Of a notice that an earlier version kept. */
function heldBefore(code: string | undefined): HeldRevision | undefined {
  if (code === 'revision_unknown') return { code, isUnknown: true };
  return code === 'revision_order' || code === 'revision_differs' || code === 'rules_changed' ? { code } : undefined;
}

/** Each answer with its command. */
function whatHeldNeeds(held: HeldRevision, fileId: string, sluice: string): string[] {
  return [
    '- If it is a wrong file: drop the right one, as a newer revision.',
    ...(held.counts ? [`- What it changes, record by record:  ${sluice} changes ${fileId}`] : []),
    '- If it is the right file, decide what is sent:',
    ...releaseChoices(held).flatMap(({ sends, sent, then }) => [
      `    ${sluice} release ${fileId} --${sends} --why "..."`,
      `      ${sent} ${then}`,
    ]),
  ];
}

const count = (figure: number): string => figure.toLocaleString('en-US');
