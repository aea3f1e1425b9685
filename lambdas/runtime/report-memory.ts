import type { Context } from 'aws-lambda';
import type { Metrics } from '../ports.ts';

type Invocation = Pick<Context, 'memoryLimitInMB'>;

/**
 * Adds to a handler that each invocation reports the most memory that its process has had so far, in percent of what the
 * function has. A process that is killed for it reports nothing: it counts as the function's error.
 * @param peakKibibytes of this process
 */
export function reportingMemory<Event, Of extends Invocation, Result>(
  handler: (event: Event, context: Of) => Promise<Result>,
  metrics: Metrics,
  peakKibibytes: () => number = () => process.resourceUsage().maxRSS,
): (event: Event, context: Of) => Promise<Result> {
  return async (event, context) => {
    try {
      return await handler(event, context);
    } finally {
      const limitKibibytes = Number(context.memoryLimitInMB) * 1024;
      if (limitKibibytes > 0) metrics.add('MemoryUse', (100 * peakKibibytes()) / limitKibibytes);
      metrics.flush();
    }
  };
}
