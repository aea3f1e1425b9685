import { GetFunctionConcurrencyCommand, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { StackOutputs } from '../stack/stack-outputs.ts';

/** A function of a lane that gets no messages, because someone has changed its settings in AWS. */
export interface SendingOff {
  feed: string;
  lane: string;
  part: 'splitter' | 'consumer';
  functionName: string;
  why: 'mapping' | 'concurrency';
}

/** Whether a function gets messages. `unknown`: the caller may not read it. */
export type FunctionSwitch = 'on' | SendingOff['why'] | 'unknown';

/** Reads what keeps the stack's functions from getting messages. What can't be read counts as on. */
export async function readSendingOff(
  feeds: readonly string[],
  {
    outputs,
    switchOf,
  }: { outputs: Pick<StackOutputs, 'laneFunctions'>; switchOf: (name: string) => Promise<FunctionSwitch> },
): Promise<SendingOff[]> {
  const functions = feeds.flatMap((feed) => outputs.laneFunctions(feed).map((each) => ({ feed, ...each })));
  const found = await Promise.all(
    functions.map(async (each): Promise<SendingOff[]> => {
      const why = await switchOf(each.functionName);
      return why === 'on' || why === 'unknown' ? [] : [{ ...each, why }];
    }),
  );
  return found.flat();
}

/** Needs lambda:ListEventSourceMappings and lambda:GetFunctionConcurrency. */
export function functionSwitches(lambda: LambdaClient): (functionName: string) => Promise<FunctionSwitch> {
  return async (functionName) => {
    // A missing permission, or a cloud without these calls, is no fault of the stack.
    const [mappings, concurrency] = await Promise.all([
      lambda.send(new ListEventSourceMappingsCommand({ FunctionName: functionName })).catch(() => undefined),
      lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: functionName })).catch(() => undefined),
    ]);
    if (concurrency?.ReservedConcurrentExecutions === 0) return 'concurrency';
    const states = mappings?.EventSourceMappings?.map(({ State = '' }) => State) ?? [];
    if (states.some((state) => state === 'Disabled' || state === 'Disabling')) return 'mapping';
    return mappings && concurrency ? 'on' : 'unknown';
  };
}

const reasons: Record<SendingOff['why'], (name: string) => string> = {
  mapping: (name) => `an event source mapping of ${name} is disabled in AWS`,
  concurrency: (name) => `the reserved concurrency of ${name} is 0 in AWS`,
};

const effects: Record<SendingOff['part'], (lane: string, feed: string) => string> = {
  consumer: (lane, feed) => `Sending is off in ${lane} of ${feed}`,
  splitter: (lane, feed) => `New files are not read in ${lane} of ${feed}`,
};

export function sendingOffText({ feed, lane, part, functionName, why }: SendingOff): string {
  const place = lane === 'main' ? 'the main lane' : `the ${lane} lane`;
  return `${effects[part](place, feed)}: ${reasons[why](functionName)}.`;
}
