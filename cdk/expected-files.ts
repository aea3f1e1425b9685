import { z } from 'zod';
import { expectedKeyFault, keyOnDay, keysOverlap, parseExpectedKey } from '../feeds/expected-key.ts';
import { parseDeadline } from './deadline.ts';
import { weekDay } from './limit-calendar.ts';

/** A file that is expected each day, as the functions read it (lambdas/core/nights/expected-files.ts). */
export interface ExpectedFile {
  name: string;
  key: string;
  /** `02:00 America/New_York`; without a zone if none was stated. */
  by: string;
  days?: z.infer<typeof weekDay>[] | undefined;
  records?: number | undefined;
}

const wantedTime = 'a time of day, such as 02:00, or with a time zone, such as 02:00 America/New_York';
const timeAlone = /^[0-9]{2}:[0-9]{2}$/;

/** As a stage's file has it. */
export const expectedEntries = z
  .array(
    z.strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._ -]{0,39}$/, 'It must be up to 40 letters, digits, spaces, dots and dashes'),
      key: z.string().superRefine((text, context) => {
        const fault = expectedKeyFault(text);
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault.replace(/\.$/, '') });
      }),
      by: z
        .string()
        .refine((text) => parseDeadline(timeAlone.test(text) ? `${text} UTC` : text), `It must be ${wantedTime}`),
      days: z.array(weekDay).min(1).optional(),
      records: z.int().positive().optional(),
    }),
  )
  .min(1);

/** The JSON of a variable; text that is none is refused by the schema. */
export function readExpected(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What is wrong with a variable's text, in a sentence. */
export function expectedFault(text: string): string | undefined {
  const value = readExpected(text);
  if (value === text) return 'It is not JSON.';
  const [issue] = expectedEntries.safeParse(value).error?.issues ?? [];
  return issue && `${issue.path.join('.')}: ${issue.message}.`;
}

/** Times without a zone have the deadline's. */
export function expectedOf({
  expected = [],
  deadline = '',
}: {
  expected?: z.infer<typeof expectedEntries> | undefined;
  deadline?: string | undefined;
}): ExpectedFile[] {
  const zone = parseDeadline(deadline)?.timeZone;
  return expected.map((file) => ({
    ...file,
    by: timeAlone.test(file.by) && zone !== undefined ? `${file.by} ${zone}` : file.by,
  }));
}

/** What is noted of each takes up to 4 KB of one item in the ledger, which may have 400 KB. */
const maxFiles = 50;

/** @param setting under which they were given */
export function* expectedFaults(
  setting: string,
  { smallFiles, expected }: { smallFiles: boolean; expected: readonly ExpectedFile[] },
): Generator<string> {
  if (expected.length === 0) return;
  if (smallFiles) {
    yield `${setting} is set; the feed takes small files many at a time, and has no account of each: leave it unset.`;
  }
  const zoneless = expected.find(({ by }) => timeAlone.test(by));
  if (zoneless) {
    yield (
      `${setting}: '${zoneless.name}' is expected by ${zoneless.by} without a time zone; write '${zoneless.by} ` +
      `America/New_York', or set a deadline, whose time zone it then has.`
    );
  }
  if (expected.length > maxFiles) {
    yield `${setting} has ${expected.length} files; there may be ${maxFiles}: divide them among several feeds.`;
  }
  for (const [index, file] of expected.entries()) {
    for (const other of expected.slice(index + 1)) yield* pairFaults(setting, file, other);
  }
}

function* pairFaults(setting: string, one: ExpectedFile, other: ExpectedFile): Generator<string> {
  if (one.name.toLowerCase() === other.name.toLowerCase()) {
    yield `${setting} has the name '${other.name}' twice; each expected file needs a name of its own.`;
  }
  const isSameDay = !one.days || !other.days || one.days.some((day) => other.days?.includes(day));
  if (isSameDay && keysOverlap(onOneDay(one), onOneDay(other))) {
    yield (
      `${setting}: one file could have the keys of both '${one.name}' and '${other.name}' (${one.key}, ${other.key}), and ` +
      `would hide that the other is missing; make the keys differ, or the days.`
    );
  }
}

const onOneDay = ({ key }: ExpectedFile): string => keyOnDay(parseExpectedKey(key), Date.UTC(2026, 0, 15));
