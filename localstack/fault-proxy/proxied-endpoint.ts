import type { BringUpOptions, Endpoint } from '../endpoint.ts';
import { bringUpEndpoint } from '../endpoint.ts';
import type { Enforcement } from '../enforcement.ts';
import { LocalCloudError } from '../local-cloud-error.ts';
import { choosePort } from '../probe-machine.ts';
import type { FaultProxy, FaultProxyOptions } from './server.ts';
import { startFaultProxy } from './server.ts';

export interface ProxiedEndpoint {
  /** The endpoint's own address: calls to it get no faults. */
  endpoint: Endpoint;
  /** The proxy through which functions reach the endpoint. Null for an endpoint that we can't configure. */
  proxy: FaultProxy | null;
  /** Ends endpoint and proxy. */
  stop: () => Promise<void>;
}

/** Loopback addresses in addition to the endpoint's 127.0.0.1; macOS has only the second by default. */
const proxyHosts = ['127.0.0.2', '::1'];

const attempts = 3;

/**
 * An endpoint whose functions reach it through a fault proxy. The SDK uses a queue's URL as SQS's endpoint, and an endpoint
 * builds these URLs from its host name and its own port: so the proxy has the same port, at another address.
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
      // Another process may have taken the free port since it was chosen.
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
