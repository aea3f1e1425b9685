import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { CallCounter } from './call-counts.ts';
import { readAll } from './forward.ts';
import type { ProxyFaults } from './proxy-faults.ts';
import { proxyFaultsSchema } from './proxy-faults.ts';

/** Bucket names never begin with an underscore. */
export const controlPath = '/_fault-proxy/';

interface Controlled {
  counter: CallCounter;
  setFaults: (faults: ProxyFaults) => void;
}

/** Answers the tester's requests to the proxy itself; they are neither forwarded nor counted. */
export async function answerControl(
  request: IncomingMessage,
  response: ServerResponse,
  proxy: Controlled,
): Promise<void> {
  const body = (await readAll(request)).toString();
  switch (`${request.method ?? ''} ${(request.url ?? '').slice(controlPath.length)}`) {
    case 'POST faults': {
      let faults: ProxyFaults;
      try {
        faults = proxyFaultsSchema.parse(JSON.parse(body));
      } catch (error) {
        return answer(response, 400, { error: error instanceof z.ZodError ? z.prettifyError(error) : String(error) });
      }
      proxy.setFaults(faults);
      return answer(response, 200, faults);
    }
    case 'GET counts':
      return answer(response, 200, proxy.counter.report());
    case 'DELETE counts':
      proxy.counter.reset();
      return answer(response, 200, {});
    default:
      return answer(response, 404, { error: 'no such path; see localstack/README.md' });
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
