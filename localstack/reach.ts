import type { Endpoint } from './endpoint.ts';

/**
 * How functions reach servers on this machine. Functions in containers use another host name and another interface.
 * SLUICE_DEMO_API_HOST sets the name if the endpoint was given: whether that one uses containers is unknown.
 */
export function reachOf(
  { hostForFunctions }: Pick<Endpoint, 'hostForFunctions'>,
  env: NodeJS.ProcessEnv,
): { name: string; listenOn: string } {
  const name = env['SLUICE_DEMO_API_HOST'] || hostForFunctions;
  return { name, listenOn: name === '127.0.0.1' ? '127.0.0.1' : '0.0.0.0' };
}
