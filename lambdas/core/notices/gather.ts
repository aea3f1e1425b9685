/** When the desk was last notified, and how many mails came before that with little time between them. */
export interface MailState {
  /** When the next mail is due; absent if none was requested. Milliseconds since 1970, as are the others. */
  dueAt?: number;
  lastAt?: number;
  streak?: number;
}

/** Files that end shortly after each other are in one mail: the first of them waits for this long. Milliseconds. */
const firstWaitMs = 25_000;
/** SQS delays a message by at most 15 minutes. */
const longestWaitMs = 900_000;
/** After this long without a mail, the next one waits for `firstWaitMs` again. Milliseconds. */
const quietMs = 1_800_000;
/** A mail that is overdue by this was lost with its message. Milliseconds. */
const lostAfterMs = 120_000;

/** How long a mail gathers files: twice as long as the one before it. Milliseconds. */
export function gatherMs({ lastAt = -Infinity, streak = 0 }: MailState, now: number): number {
  return now - lastAt >= quietMs ? firstWaitMs : Math.min(longestWaitMs, firstWaitMs * 2 ** streak);
}

/** The state after a mail. */
export function afterMail(
  { lastAt = -Infinity, streak = 0 }: MailState,
  now: number,
): Required<Omit<MailState, 'dueAt'>> {
  return { lastAt: now, streak: now - lastAt >= quietMs ? 1 : Math.min(streak + 1, 10) };
}

/** Whether a mail that was requested will not come any more. */
export const isLost = ({ dueAt = Infinity }: MailState, now: number): boolean => dueAt + lostAfterMs < now;

/** A request is refused while another mail is due that is not lost. */
export const lostBefore = (now: number): number => now - lostAfterMs;
