import { alteredReason } from '../../lambdas/core/dead-letters/dead-history.ts';
import { conflictReason } from '../../lambdas/core/answers/refusal.ts';
import { formatCount, formatCountOf } from '../terminal/format.ts';

/** What can be expected of trying dead letters again. */
type Outlook = 'can-succeed' | 'may-succeed' | 'fails-again' | 'comes-back' | 'unknown';

/** Dead letters that failed for the same reason. */
export interface FailedAlike {
  outcome: string;
  /** Of the last failure. */
  reason: string;
  count: number;
  /** How many of them are of cancelled files: nothing of these is sent until a person releases them. Absent: none. */
  ofCancelled?: number;
}

/** The API may have changed its mind about these: the token was wrong, its path was gone, it was paid late. */
const curable = ['http_401', 'http_402', 'http_403', 'http_404', 'http_405', 'http_410'];

function outlookOf({ outcome, reason }: Pick<FailedAlike, 'outcome' | 'reason'>): Outlook {
  if (reason === alteredReason || reason === conflictReason) return 'fails-again';
  switch (outcome) {
    case 'exhausted':
      return 'can-succeed';
    case 'refused':
      return curable.includes(reason) ? 'may-succeed' : 'fails-again';
    case 'rejected':
      return 'fails-again';
    default:
      return 'unknown';
  }
}

function withOutlook(groups: readonly FailedAlike[]): (FailedAlike & { outlook: Outlook })[] {
  return groups.flatMap((group) => {
    const { count, ofCancelled = 0 } = group;
    return [
      ...(count > ofCancelled ? [{ ...group, count: count - ofCancelled, outlook: outlookOf(group) }] : []),
      ...(ofCancelled > 0 ? [{ ...group, count: ofCancelled, outlook: 'comes-back' as const }] : []),
    ];
  });
}

/** What is expected of these letters, in a sentence that begins with their number. */
function sentenceOf(outlook: Outlook, outcome: string, count: number): string {
  const letters = formatCount(count);
  const [are, will] = count === 1 ? ['is', 'It fails'] : ['are', 'They fail'];
  if (outlook === 'can-succeed')
    return `${letters} can succeed: the API failed when ${count === 1 ? 'it was' : 'they were'} tried.`;
  if (outlook === 'may-succeed') {
    return `${letters} can succeed if what the API refused ${count === 1 ? 'it' : 'them'} for is fixed there (token, path, account).`;
  }
  if (outlook === 'comes-back') {
    return (
      `${letters} ${count === 1 ? 'comes' : 'come'} back untried: nothing of a cancelled file is sent. Send what is held of ` +
      'it with `release` first.'
    );
  }
  if (outlook === 'unknown') return `Of ${letters} the ledger does not know the reason yet.`;
  return outcome === 'rejected'
    ? `${letters} ${are} rejected: not valid by the feed's rules, and never sent. ${will} again, unless a deployment has ` +
        'changed the rules. Correct the rows with `dlq export` and `dlq reingest`.'
    : `${letters} ${are} refused by the API for what is in ${count === 1 ? 'it' : 'them'}. ${will} again, unless the API has changed.`;
}

/** What a redrive of these letters can be expected to do, a sentence for each kind; those that can succeed first. */
export function describeOutlook(groups: readonly FailedAlike[]): string[] {
  const kinds = ['can-succeed', 'may-succeed', 'fails-again', 'comes-back', 'unknown'] as const;
  const parts = withOutlook(groups);
  return kinds.flatMap((outlook) => {
    const of = parts.filter((part) => part.outlook === outlook);
    const isRejected = (part: FailedAlike): boolean => outlook === 'fails-again' && part.outcome === 'rejected';
    const byOutcome = Map.groupBy(of, (part) => (isRejected(part) ? 'rejected' : 'other'));
    return [...byOutcome].map(([outcome, members]) => sentenceOf(outlook, outcome, sumOf(members)));
  });
}

/** The question before a redrive; undefined if it needs no answer, because every letter may succeed. */
export function redriveQuestion(groups: readonly FailedAlike[]): string | undefined {
  const parts = withOutlook(groups);
  const countOf = (outlook: Outlook): number => sumOf(parts.filter((part) => part.outlook === outlook));
  const [failing, back] = [countOf('fails-again'), countOf('comes-back')];
  const bad = [
    ...(failing > 0 ? [`${formatCount(failing)} will fail again`] : []),
    ...(back > 0 ? [`${formatCount(back)} will come back untried`] : []),
  ];
  if (bad.length === 0) return undefined;
  return `Redrive ${formatCountOf(sumOf(groups), 'dead letter')}, of which ${bad.join(' and ')}?`;
}

const sumOf = (groups: readonly FailedAlike[]): number => groups.reduce((sum, { count }) => sum + count, 0);
