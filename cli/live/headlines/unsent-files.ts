import { noticeKindOf } from '../../../lambdas/core/notices/file-notice.ts';
import type { FileNotice } from '../../../lambdas/core/notices/file-notice.ts';
import { formatCount, oneLine } from '../../terminal/format.ts';
import type { Facts } from '../facts.ts';
import type { ClosedFile, Headline } from '../snapshot.ts';

/** How long such a file stays in the headline. */
export const unsentHours = 24;

const maxCharacters = 600;

/** Files of the last day of which nothing was sent, unless a file with the same key was sent since. */
export function unsentFileHeadlines({ unsent, closed }: Facts): Headline[] {
  const open = unsent.filter((notice) => !closed.some((file) => isRemedyOf(notice, file)));
  const last = open.at(-1);
  if (!last) return [];
  const about = `${last.name}: ${last.message}`;
  const text =
    open.length === 1
      ? `Nothing was sent of ${about}`
      : `Nothing was sent of ${formatCount(open.length)} files in the last ${unsentHours} hours, the last one ${about}`;
  const feeds = [...new Set(open.map(({ feed }) => feed))];
  const file_id = open.length === 1 ? last.fileId : null;
  return [{ kind: 'unsent-files', tone: 'alarm', text: oneLine(text, maxCharacters), feeds, file_id }];
}

function isRemedyOf({ name, feed, at }: FileNotice, file: ClosedFile): boolean {
  const isLater = Date.parse(file.received) > at;
  return isLater && file.feed === feed && file.source.key === name && noticeKindOf(file) === undefined;
}
