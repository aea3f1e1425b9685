import * as z from 'zod';
import { fileStates } from '../account/file-account.ts';
import { controlStates } from '../control/file-control.ts';
import { manifest } from '../account/manifest.ts';
import { outcomes } from '../account/outcome.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();
const time = z.iso.datetime();

/** The version that is written. */
export const nightVersion = 1;

/**
 * Files that an entry has room for, as received and of earlier nights each: it is read and written as a whole. More of them
 * follow in the next entry, which is written at once.
 */
export const maxFilesInEntry = 20_000;
/** Files with open dead letters that an entry names: those with the most. */
export const maxDeadFiles = 100;

const countNames = [
  'total_records',
  ...outcomes.map((outcome) => `${outcome}_records` as const),
  'removed_records',
  'dead_lettered_records',
  'resolved_records',
  'handled_records',
] as const;

/** The counts that a file's row has, each as its manifest has it. */
export const nightCountNames = countNames;

export const nightCounts = z.strictObject(
  Object.fromEntries(countNames.map((name) => [name, count])) as Record<(typeof countNames)[number], typeof count>,
);
export type NightCounts = z.infer<typeof nightCounts>;

/** A file as an entry has it: how it stood when the entry was written. */
const nightFile = z.strictObject({
  file_id: z.string(),
  lane: z.string(),
  key: z.string(),
  /** The number of small files in this account; null for a file as it was dropped. */
  bundled_files: count.nullable(),
  /** The id of the series that it is a revision of; null if there is none. */
  series: z.string().nullable(),
  /** `splitting` or `split`: it is unfinished. */
  state: z.enum(fileStates),
  /** What became of its control file, and how many values they differ in; null if its feed requires none. */
  control: z
    .strictObject({ state: z.enum(controlStates), key: z.string(), missing: count.nullable(), extra: count.nullable() })
    .nullable(),
  /** Why it failed, was stopped or superseded. */
  failure_code: z.string().nullable(),
  received: time,
  /** When its account was first closed; null while it is unfinished. */
  finished: time.nullable(),
  /** Null while it is unfinished. */
  counts: nightCounts.nullable(),
  /** The newest one, even of a file that was released and is unfinished again; null if it has none yet. */
  manifest: z.strictObject({ number: z.int().positive(), key: z.string(), sha256 }).nullable(),
});
export type NightFile = z.infer<typeof nightFile>;

/** A file of an earlier entry that has changed since, or is unfinished still. */
const earlierFile = nightFile.extend({
  /** The entry that has it as received; 0 if it was received before the log began. */
  entry: count,
  /** As the last entry that mentions it has it. */
  before: z.strictObject({ state: z.enum(fileStates), manifest_number: count }),
});
export type EarlierFile = z.infer<typeof earlierFile>;

/** What should have arrived by a time in this night. */
const expectation = z.strictObject({
  name: z.string(),
  /** The pattern of its key, with that day's dates. */
  key: z.string(),
  by: time,
  /** It must have at least as many. */
  records: count,
  /** `too_few`: it is here, with fewer records. */
  state: z.enum(['met', 'late', 'missing', 'too_few']),
  /** Of a late one. */
  late_seconds: count.nullable(),
  /**
   * The file that met it, with `unfinished` if it is not done; otherwise the newest one with the key, and why it does not
   * count.
   */
  file_id: z.string().nullable(),
  obstacle: z.string().nullable(),
});
export type NightExpectation = z.infer<typeof expectation>;

/** What was expected is here, and not done. */
export const isInProgress = ({ obstacle }: Pick<NightExpectation, 'obstacle'>): boolean => obstacle === 'unfinished';

/**
 * One entry of a feed's night log: an account of the time from one deadline to the next. Entries are numbered without
 * gaps, and each names the one before by its SHA-256. None is ever amended: what changes later is in a later entry.
 */
export const nightEntry = z.strictObject({
  night_version: z.literal(nightVersion),
  number: z.int().positive(),
  /** SHA-256 of the bytes of the entry before; null for the first. */
  previous_sha256: sha256.nullable(),
  tool: z.literal('sluice'),
  tool_version: z.string(),
  feed: z.string(),
  from: time,
  /** The feed's deadline that ends the night; midnight UTC if it has none. */
  to: time,
  written: time,
  /** The entry before had no room for all files of this night: it has the others. */
  continues: z.boolean(),
  /** False if there are more files than an entry has room for: the next entry continues it. */
  is_complete: z.boolean(),
  /** Null if the feed has no deadline. */
  deadline: z
    .strictObject({
      /** As the clocks of the zone show it, `HH:MM`. */
      time: z.string(),
      time_zone: z.string(),
      /** Whether every file was finished by then; null if no file was received. */
      met: z.boolean().nullable(),
      /** Whole seconds from the last file's end to the deadline; negative if it was missed, by that much so far. */
      margin_seconds: z.int().nullable(),
    })
    .nullable(),
  /** Received files by state. `unfinished`: splitting or split. */
  files: z.strictObject({
    received: count,
    completed: count,
    duplicate: count,
    failed: count,
    superseded: count,
    quarantined: count,
    unfinished: count,
    /** Small files in the bundles among them. */
    bundled: count,
  }),
  /** Over the received files that are finished. */
  sums: nightCounts,
  expectations: z.array(expectation),
  /** Each file is in one entry as received, in the order in which they came. */
  received: z.array(nightFile).max(maxFilesInEntry),
  earlier: z.array(earlierFile),
  /** Over all files of the feed, those of this night included. */
  open_dead_letters: z.strictObject({
    files: count,
    records: count,
    /** The files with the most of them. */
    most: z
      .array(z.strictObject({ file_id: z.string(), key: z.string(), received: time, records: count }))
      .max(maxDeadFiles),
  }),
  archive: z.strictObject({
    bucket: z.string(),
    entry_key: z.string(),
    /** The entry as an HTML page, and the SHA-256 of its bytes; null if it could not be rendered. */
    page_key: z.string().nullable(),
    page_sha256: sha256.nullable(),
  }),
  /** As a manifest's: over this entry's bytes, in an object of its own. Null if the stack has no key. */
  signature: manifest.shape.signature.unwrap().unwrap().strict().nullable(),
});
export type NightEntry = z.infer<typeof nightEntry>;

/** Whether the entry has it as not done. */
export const isUnfinished = ({ state }: Pick<NightFile, 'state'>): boolean =>
  state === 'splitting' || state === 'split';
