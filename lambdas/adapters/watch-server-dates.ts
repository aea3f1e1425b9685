import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../ports.ts';

/** Reports the `Date` header of every answer that a client gets, with the times of its request and arrival. */
export function watchServerDates(
  client: DynamoDBClient,
  clock: Pick<Clock, 'now'>,
  observe: (dateMs: number, sentAtMs: number, answeredAtMs: number) => void,
): void {
  client.middlewareStack.add(
    // Once per try, around the request itself.
    (next) => async (input) => {
      const sentAtMs = clock.now();
      const result = await next(input);
      const dateMs = dateOf(result.response);
      if (!Number.isNaN(dateMs)) observe(dateMs, sentAtMs, clock.now());
      return result;
    },
    { step: 'deserialize', name: 'watchServerDates' },
  );
}

function dateOf(response: unknown): number {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return NaN;
  const { date } = response.headers as Record<string, string | undefined>;
  return date === undefined ? NaN : Date.parse(date);
}
