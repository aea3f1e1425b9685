/** What the shell is told: part of the command line's contract. */
export const exitCodes = {
  /** Done, and nothing is left to do; or the question was answered. */
  clean: 0,
  /** Failed, refused, or stopped before its end: quarantined, replaced, an account that doesn't add up. */
  failed: 1,
  /** Done, but some records are dead letters. */
  deadLetters: 2,
  /** `verify`: all that was checked holds, but parts of the evidence were missing. */
  incomplete: 3,
  /** Ctrl-C, as shells tell it: 128 + SIGINT. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
