import { z } from 'zod';

const batch = z.looseObject({ Entries: z.array(z.looseObject({ Id: z.string() })) });
const answer = z.looseObject({ Failed: z.array(z.unknown()).nullish() });

/** A SendMessageBatch in two: what SQS is given, and what it is said to have failed on. */
export interface PartialBatch {
  /** Undefined if nothing is left to be given. */
  forwarded: string | undefined;
  failed: string[];
}

/** @param strikes asked for each entry; one of them fails in any case */
export function withoutSome(body: string, strikes: () => boolean): PartialBatch {
  const request = batch.parse(JSON.parse(body));
  const struck = request.Entries.map((_, index) => strikes() || index === 0);
  const kept = request.Entries.filter((_, index) => !struck[index]);
  return {
    forwarded: kept.length === 0 ? undefined : JSON.stringify({ ...request, Entries: kept }),
    failed: request.Entries.filter((_, index) => struck[index]).map(({ Id }) => Id),
  };
}

/** SQS's answer to what it was given, with the rest told as failed by a fault of SQS's own. */
export function withFailures(body: string | undefined, failed: string[]): string {
  const told = answer.parse(body === undefined ? { Successful: [] } : JSON.parse(body));
  const failures = failed.map((Id) => ({ Id, SenderFault: false, Code: 'InternalError', Message: 'Try again.' }));
  return JSON.stringify({ ...told, Failed: [...(told.Failed ?? []), ...failures] });
}
