import { doneText, durationText } from '../../../lambdas/core/deadlines/deadline-text.ts';
import { formatCount, formatCountOf } from '../../terminal/format.ts';
import type { Facts } from '../facts.ts';
import type { Headline } from '../snapshot.ts';

export function progressHeadlines(facts: Facts): Headline[] {
  return [{ kind: 'progress', ...sentenceOf(facts), feeds: [...facts.feeds], file_id: null }];
}

function sentenceOf({ openFiles, projections, zone, now }: Facts): Pick<Headline, 'tone' | 'text'> {
  if (openFiles === 0) return { tone: 'calm', text: 'Nothing is in progress.' };
  const files = `${formatCountOf(openFiles, 'file')} in progress`;
  const late = projections.filter(({ marginSeconds }) => marginSeconds !== undefined && marginSeconds < 0);
  const [worst] = [...late].sort((a, b) => (a.marginSeconds ?? 0) - (b.marginSeconds ?? 0));
  if (worst) {
    const by = `by ${durationText(-(worst.marginSeconds ?? 0))}`;
    const which = openFiles === 1 ? 'it will miss the deadline' : `${formatCount(late.length)} will miss the deadline`;
    return { tone: 'alarm', text: `${files}; ${which}${late.length > 1 ? ', the last' : ''} ${by}.` };
  }
  const [last] = [...projections].sort((a, b) => (b.doneAt ?? Infinity) - (a.doneAt ?? Infinity));
  if (last?.doneAt === undefined) return { tone: 'busy', text: `${files}.` };
  const done = doneText(last, zone, now) ?? '';
  const margins = projections.flatMap(({ marginSeconds }) => marginSeconds ?? []);
  const margin = margins.length === 0 ? '' : `, ${durationText(Math.min(...margins))} before the deadline`;
  return { tone: 'busy', text: `${files}; ${openFiles === 1 ? '' : 'all '}${done}${margin}.` };
}
