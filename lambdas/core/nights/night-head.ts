/** How far a feed's night log has come. Times are milliseconds since 1970, UTC. */
export interface NightHead {
  /** Of the newest entry that is stored, signed and noted in the items of its files; 0 before the first. */
  number: number;
  /** Where the next night begins. */
  to: number;
  /** Of the newest entry's bytes. */
  sha256?: string;
  /** The newest entry had no room for all files of its night: the next one continues that night. */
  isContinued?: boolean;
  /** SHA-256 of what finalizers made as the next entry, each noted before it is stored: nothing else is taken for it. */
  drafts?: string[];
  /** How many have been noted, as a version of the list. */
  draftsNoted?: number;
  /** Set while the files that came before the log are being marked. */
  isOpening?: boolean;
}
