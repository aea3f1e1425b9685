import type { Context } from 'aws-lambda';
import type { Metrics } from '../ports.ts';

type Invocation = Pick<Context, 'memoryLimitInMB'>;

/**
 * Wraps a handler so that each invocation reports its process's peak memory so far, in percent of the function's memory. A
 * process that is killed for its memory reports nothing: it counts as an error of the function. It writes this with all that
 * the handler has counted, in one line of the log.
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
