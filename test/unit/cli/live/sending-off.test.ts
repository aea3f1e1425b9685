import { describe, expect, it } from 'vitest';
import { functionSwitches, readSendingOff, sendingOffText } from '../../../../cli/live/sending-off.ts';
import { sendingOffHeadlines } from '../../../../cli/live/headlines/sending-off.ts';
import type { StackOutputs } from '../../../../cli/stack/stack-outputs.ts';
import type { Facts } from '../../../../cli/live/facts.ts';

type Lambda = Parameters<typeof functionSwitches>[0];

/** AWS's answer; an error if the caller lacks the permission. */
function lambda(mappings: string[] | Error, concurrency: number | undefined | Error): Lambda {
  const send = async (command: object) => {
    const isMappings = command.constructor.name.startsWith('List');
    const answer = isMappings ? mappings : concurrency;
    if (answer instanceof Error) throw answer;
    return isMappings
      ? { EventSourceMappings: (answer as string[]).map((State) => ({ State })) }
      : { ReservedConcurrentExecutions: answer };
  };
  return { send } as unknown as Lambda;
}

const denied = new Error('AccessDenied');

describe('a function', () => {
  it.each<[string, Lambda, string]>([
    ['with its mappings enabled is on', lambda(['Enabled', 'Enabled'], undefined), 'on'],
    ['with a mapping disabled is off', lambda(['Enabled', 'Disabled'], undefined), 'mapping'],
    ['with a mapping that is being disabled is off', lambda(['Disabling'], 5), 'mapping'],
    ['without concurrency is off', lambda(['Enabled'], 0), 'concurrency'],
    ['that may not be looked at is unknown', lambda(denied, denied), 'unknown'],
    ['of which only one may be looked at is off by that one', lambda(denied, 0), 'concurrency'],
    ['of which only the other may be looked at is unknown', lambda(['Enabled'], denied), 'unknown'],
  ])('%s', async (_, client, expected) => {
    expect(await functionSwitches(client)('f')).toBe(expected);
  });
});

describe('a stack whose sending is off', () => {
  const laneFunctions = (): ReturnType<StackOutputs['laneFunctions']> => [
    { lane: 'main', part: 'consumer', functionName: 'sluice-traffic-consumer' },
    { lane: 'express', part: 'splitter', functionName: 'sluice-traffic-express-splitter' },
    { lane: 'express', part: 'consumer', functionName: 'unknown' },
  ];
  const switchOf = async (name: string) => {
    if (name === 'unknown') return 'unknown' as const;
    return name.endsWith('consumer') ? ('mapping' as const) : ('concurrency' as const);
  };

  it('names the function that gets no events, and why', async () => {
    const sendingOff = await readSendingOff(['traffic'], { outputs: { laneFunctions }, switchOf });
    expect(sendingOff.map(sendingOffText)).toEqual([
      'Sending is off in the main lane of traffic: an event source mapping of sluice-traffic-consumer is disabled in AWS.',
      'New files are not read in the express lane of traffic: the reserved concurrency of sluice-traffic-express-splitter is 0 in AWS.',
    ]);
    const headlines = sendingOffHeadlines({ sendingOff } as unknown as Facts);
    expect(headlines).toMatchObject([
      { kind: 'sending-off', tone: 'alarm', feeds: ['traffic'] },
      { kind: 'sending-off' },
    ]);
  });
});
