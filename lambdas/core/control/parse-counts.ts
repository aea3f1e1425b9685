import * as z from 'zod';
import { countNames, surveyJson } from '../records/json-survey.ts';
import { maxNesting } from '../records/json-nesting.ts';
import { ControlFileError } from './control-file-error.ts';

/** Other members, such as a date, are not compared. */
const controlCounts = z.object({
  /** Of the file, including those that Sluice will reject. */
  records: z.int().nonnegative().optional(),
  /** Of the object as it was dropped: of a gzip, the compressed ones. */
  bytes: z.int().nonnegative().optional(),
});
export type ControlCounts = z.infer<typeof controlCounts>;

/**
 * What a control file of the kind `counts` says.
 * @throws ControlFileError if it is not a JSON object with at least one of the counts, each once
 */
export function parseCounts(text: string): ControlCounts {
  const { depth, names } = surveyJson(text);
  if (depth > maxNesting) throw new ControlFileError(`It is nested more than ${maxNesting} levels deep.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ControlFileError('It is not JSON.');
  }
  const read = controlCounts.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    const place = issue?.path.join('.') ?? '';
    throw new ControlFileError(
      place === '' ? 'It is not a JSON object.' : `${place} is not a whole number of 0 or more.`,
    );
  }
  // JSON.parse takes the last of two members with one name; other readers take the first.
  if (countNames(json) !== names) throw new ControlFileError('It has a name more than once.');
  const { records, bytes } = read.data;
  if (records === undefined && bytes === undefined) throw new ControlFileError('It has neither records nor bytes.');
  return read.data;
}
