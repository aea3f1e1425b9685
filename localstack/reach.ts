import type { Endpoint } from './endpoint.ts';

/**
 * How functions reach what listens on this machine. Functions in containers know it by another name and use another
 * interface. SLUICE_DEMO_API_HOST names it where the endpoint was given: whether that one uses containers can't be seen.
 */
export function reachOf(
  { hostForFunctions }: Pick<Endpoint, 'hostForFunctions'>,
  env: NodeJS.ProcessEnv,
): { name: string; listenOn: string } {
  const name = env['SLUICE_DEMO_API_HOST'] || hostForFunctions;
  return { name, listenOn: name === '127.0.0.1' ? '127.0.0.1' : '0.0.0.0' };
}
