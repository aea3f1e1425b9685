/** Exit codes: part of the command line's contract. */
export const exitCodes = {
  /** Done, with nothing left to do; or the query was answered. */
  clean: 0,
  /** Failed, refused or stopped early: quarantined, replaced, an account that doesn't add up. */
  failed: 1,
  /** Done, but some records are dead letters. */
  deadLetters: 2,
  /** `night` and `status --expected`: something that was expected is missing. */
  missingFiles: 2,
  /** `verify`: everything that was checked holds, but parts of the evidence were missing. */
  incomplete: 3,
  /** Ctrl-C: 128 + SIGINT, as shells do. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
