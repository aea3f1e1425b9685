import type { BringUpOptions, Endpoint } from '../endpoint.ts';
import { bringUpEndpoint } from '../endpoint.ts';
import type { Enforcement } from '../enforcement.ts';
import { LocalCloudError } from '../local-cloud-error.ts';
import { choosePort } from '../probe-machine.ts';
import type { FaultProxy, FaultProxyOptions } from './server.ts';
import { startFaultProxy } from './server.ts';

export interface ProxiedEndpoint {
  /** Its own address: what comes this way meets no fault. */
  endpoint: Endpoint;
  /** Functions know the endpoint by this address. Null before an endpoint that is not ours to configure. */
  proxy: FaultProxy | null;
  /** Ends both. */
  stop: () => Promise<void>;
}

/** Loopback addresses beside the endpoint's 127.0.0.1; macOS has but the second by itself. */
const proxyHosts = ['127.0.0.2', '::1'];

const attempts = 3;

/**
 * An endpoint whose functions reach it through a fault proxy. The SDK takes a queue's URL for SQS's endpoint, and an
 * endpoint makes those of its host's name and its own port: so the proxy has the same port, at another address.
 */
export async function bringUpProxiedEndpoint(
  options: Omit<BringUpOptions, 'port'> &
    Pick<FaultProxyOptions, 'seed' | 'meter'> & { enforcement?: Enforcement | undefined },
): Promise<ProxiedEndpoint> {
  const { enforcement, seed, meter } = options;
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(undefined);
    const proxy = await startBeside(port, enforcement, { seed: seed ?? 1, ...(meter ? { meter } : {}) });
    try {
      const variables = {
        ...options.variables,
        ...enforcement?.variables,
        MINISTACK_HOST: new URL(proxy.url).hostname,
        AWS_ENDPOINT_URL: proxy.url,
      };
      const endpoint = await bringUpEndpoint({ ...options, port, variables });
      const isOurs = endpoint.kind === 'ministack' && !endpoint.reused;
      if (!isOurs) await proxy.close();
      return {
        endpoint,
        proxy: isOurs ? proxy : null,
        stop: async () => {
          await endpoint.stop();
          if (isOurs) await proxy.close();
        },
      };
    } catch (error) {
      await proxy.close();
      // Somebody may have taken the free port between its choice and its use.
      if (attempt === attempts || options.signal?.aborted) throw error;
    }
  }
}

async function startBeside(
  port: number,
  enforcement: Enforcement | undefined,
  settings: Pick<FaultProxyOptions, 'seed' | 'meter'>,
): Promise<FaultProxy> {
  const faults: string[] = [];
  for (const host of proxyHosts) {
    try {
      const target = `${enforcement ? 'https' : 'http'}://127.0.0.1:${port}`;
      const tls = enforcement && { ...enforcement.certificateFor(host), ca: enforcement.ca };
      return await startFaultProxy({ ...settings, target, host, port, ...(tls ? { tls } : {}) });
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  throw new LocalCloudError(`The fault proxy could not be started: ${faults.join('; ')}.`);
}
