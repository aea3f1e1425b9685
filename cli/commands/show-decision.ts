import { systemClock } from '../../lambdas/adapters/system-clock.ts';
import { CliError } from '../cli-error.ts';
import { openReader } from '../live/open-reader.ts';
import type { DecisionResult } from '../operate/feed-limit.ts';
import { describeFeedLimit, formatFeedLimit } from '../show/feed-limit.ts';
import { explainFault } from '../stack/explain-fault.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { flat, oneLine } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Files whose projections are printed. */
const maxFiles = 10;

/** Prints what was decided, what applies from now on, and when the feed's files will be done. @throws CliError if refused */
export async function showDecision(
  result: DecisionResult,
  options: { json?: boolean },
  { stack, terminal }: { stack: OpenStack; terminal: Terminal },
): Promise<void> {
  if (result.kind === 'refused') throw new CliError(result.why);
  const { decision, state, unpublished } = result;
  if (unpublished !== undefined) {
    terminal.note(`Decided, but no event was published: ${explainFault(unpublished)}`);
  }
  const { by, why, kind } = decision;
  terminal.note(flat(`${kind} decided by ${by}${why === undefined ? '' : `: ${why}`}`));
  if (options.json) {
    const { at, policy } = decision;
    const decided = { kind, at: new Date(at).toISOString(), policy, by, why: why ?? null };
    return terminal.printJson({ decision: decided, ...describeFeedLimit(state) });
  }
  const snapshot = await openReader(stack, state.feed, {}).look();
  const files = snapshot.files.slice(0, maxFiles).map((file) => {
    return `  ${oneLine(file.name, 60)}: ${file.projected ?? 'end not known yet'}\n`;
  });
  const more = snapshot.files.length - files.length;
  const rest = more > 0 ? `  … and ${more} more: sluice status\n` : '';
  await terminal.print(`${formatFeedLimit(state, systemClock.now())}${files.join('')}${rest}`);
}
