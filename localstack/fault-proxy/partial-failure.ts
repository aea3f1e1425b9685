import { z } from 'zod';

const batch = z.looseObject({ Entries: z.array(z.looseObject({ Id: z.string() })) });
const answer = z.looseObject({ Failed: z.array(z.unknown()).nullish() });

/** A SendMessageBatch split in two: the entries forwarded to SQS, and the entries to report as failed. */
export interface PartialBatch {
  /** Undefined if nothing is left to forward. */
  forwarded: string | undefined;
  failed: string[];
}

/** @param strikes called for each entry; at least one of them fails in any case */
export function withoutSome(body: string, strikes: () => boolean): PartialBatch {
  const request = batch.parse(JSON.parse(body));
  const struck = request.Entries.map((_, index) => strikes() || index === 0);
  const kept = request.Entries.filter((_, index) => !struck[index]);
  return {
    forwarded: kept.length === 0 ? undefined : JSON.stringify({ ...request, Entries: kept }),
    failed: request.Entries.filter((_, index) => struck[index]).map(({ Id }) => Id),
  };
}

/** SQS's answer to the forwarded entries, with the others reported as failed through a fault of SQS's own. */
export function withFailures(body: string | undefined, failed: string[]): string {
  const answered = answer.parse(body === undefined ? { Successful: [] } : JSON.parse(body));
  const failures = failed.map((Id) => ({ Id, SenderFault: false, Code: 'InternalError', Message: 'Try again.' }));
  return JSON.stringify({ ...answered, Failed: [...(answered.Failed ?? []), ...failures] });
}
