import * as z from 'zod';

/**
 * What a control file says about its file.
 *
 * - `sha256sum`: the SHA-256 of its bytes, as the tool of that name prints it
 * - `counts`: how many records and bytes it has, as JSON
 * - `rows`: the values of its records in some columns, as CSV
 */
export const controlKinds = ['sha256sum', 'counts', 'rows'] as const;
export type ControlKind = (typeof controlKinds)[number];

/** Every file of the feed would be taken for a control file. */
const dataSuffixes = ['.csv', '.tsv', '.txt', '.json', '.jsonl', '.ndjson', '.gz', '.gzip', '.zip', '.zst'];

/** A feed whose files are sent only if a second file, dropped beside each, agrees with them. */
export const controlRule = z.strictObject({
  /** The control file's key is the file's with this at its end: `.ctl` for `WABC.csv` and `WABC.csv.ctl`. */
  suffix: z
    .string()
    .regex(/^[!-.0-~]{1,60}$/, 'It must be 1 to 60 characters of ASCII without spaces and slashes')
    .refine(
      (suffix) => !dataSuffixes.some((each) => each.endsWith(suffix.toLowerCase())),
      'It ends the names of the files themselves',
    ),
  /** Whether it is dropped before its file or after it: decides which version of the file it speaks of. */
  comes: z.enum(['before', 'after']),
  kind: z.enum(controlKinds),
  /** The desk is notified of a file that has waited for its control file this long. */
  waitMinutes: z.int().min(1).max(1440).default(60),
});
export type ControlRule = z.infer<typeof controlRule>;

/**
 * The name of the file that a control file speaks of; undefined if the name is not a control file's.
 * @param name a key without its lane's prefix
 */
export function controlledName({ suffix }: Pick<ControlRule, 'suffix'>, name: string): string | undefined {
  if (!name.endsWith(suffix)) return undefined;
  const controlled = name.slice(0, -suffix.length);
  // A key that ends with a slash is a folder's.
  return controlled === '' || controlled.endsWith('/') ? undefined : controlled;
}
