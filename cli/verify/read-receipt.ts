import * as z from 'zod';
import type { RecordDecision } from '../../lambdas/core/account/manifest-decision.ts';
import type { Outcome } from '../../lambdas/core/account/outcome.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import { isTime } from './read-manifest.ts';
import { parseStrictJson } from './strict-json.ts';
import { mustHold } from './verified.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** The fields of a receipt that are checked; others may hold anything. */
const checkedReceipt = z
  .object({
    record: z.int().positive(),
    line: z.int().positive(),
    offset: z.int().nonnegative(),
    length: z.int().nonnegative(),
    sha256: hex,
    outcome: z.enum(outcomes),
    request_id: z.string().nullable(),
    status: z.int().nullable(),
    at: z.string().refine(isTime),
    earlier_checksums: z.array(z.string().nullable()).min(1).optional(),
    supersedes: z.array(hex).min(1).optional(),
    source_file: z.string().optional(),
    source_version_id: z.string().optional(),
    reason: z.string().optional(),
    error: z.string().optional(),
    field: z.string().nullable().optional(),
    raw_encoding: z.enum(['text', 'base64', 'head']).optional(),
    raw_payload: z.string().optional(),
  })
  .refine(({ raw_encoding: encoding, raw_payload: payload }) => (encoding === undefined) === (payload === undefined))
  .refine(namesEarlier);
export type CheckedReceipt = z.infer<typeof checkedReceipt>;

/** Whether it says of what it was compared with only what can be. */
function namesEarlier(receipt: {
  outcome: Outcome;
  request_id: string | null;
  earlier_checksums?: readonly (string | null)[] | undefined;
  supersedes?: readonly string[] | undefined;
}): boolean {
  const { outcome, request_id: id, earlier_checksums: earlier = [], supersedes } = receipt;
  const revisions = earlier.filter((each) => each !== null);
  // "None" is the last possibility, and never the only one.
  const isInOrder = earlier.length - revisions.length <= 1 && !earlier.slice(0, -1).includes(null);
  if (!isInOrder || (earlier.length > 0 && revisions.length === 0) || new Set(earlier).size < earlier.length)
    return false;
  if (outcome === 'unchanged') return supersedes === undefined && earlier.length <= 1;
  if (supersedes === undefined) return earlier.length === 0 || id === null;
  const mayBeSent = outcome !== 'rejected' && outcome !== 'held' && id !== null;
  return mayBeSent && supersedes.length === revisions.length && !supersedes.includes(id);
}

/** @param what it is, for the message @throws DoesNotHoldError */
export function readReceipt(line: Buffer, what: string): CheckedReceipt {
  const read = checkedReceipt.safeParse(parseStrictJson(line, what));
  mustHold(read.success, `${what} can't be read as one`);
  return read.data;
}

const resolutionLine = z.object({
  record: z.int().positive(),
  resolution: z.enum(['uploaded', 'duplicate', 'handled']),
});
export type RecordResolution = z.infer<typeof resolutionLine>;
export type Resolution = RecordResolution['resolution'];

const decided = z.object({ at: z.string().refine(isTime), by: z.string(), why: z.string().nullish() });
const decidedLine = z.discriminatedUnion('resolution', [
  decided.extend({ resolution: z.literal('handled') }),
  z.object({ resolution: z.enum(['uploaded', 'duplicate']), correction: decided.nullish() }),
]);

/** A person's decision about the record; undefined without one. @throws DoesNotHoldError */
export function readDecision(line: Buffer): RecordDecision | undefined {
  const what = 'a line of the resolutions';
  const read = decidedLine.safeParse(parseStrictJson(line, what));
  mustHold(read.success, `${what} does not say who decided it`);
  const { data } = read;
  const said = data.resolution === 'handled' ? data : data.correction;
  if (!said) return undefined;
  const kind = data.resolution === 'handled' ? 'resolve' : 'correct';
  return { kind, at: said.at, by: said.by, why: said.why ?? null };
}

/** @throws DoesNotHoldError */
export function readResolution(line: Buffer): RecordResolution {
  const what = 'a line of the resolutions';
  const read = resolutionLine.safeParse(parseStrictJson(line, what));
  mustHold(read.success, `${what} can't be read as one`);
  return read.data;
}
