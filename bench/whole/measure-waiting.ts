/** What waiting for a slow API costs: `node measure-waiting.ts RECORDS`, in simulated time. */
import { consumerMemoryFor } from '../../cdk/consumer-memory.ts';
import { listPrices } from '../../cli/check/list-prices.ts';
import { DeliverySimulation } from '../../test/support/delivery-simulation.ts';

export interface WaitingFigures {
  requestsAMinute: number;
  /** Consumers that Lambda is billed for, on average; at least two are deployed. */
  functionsAwake: number;
  useOfLimit: number;
  /** Dollars of Lambda for a million records. */
  lambdaOfAMillion: number;
}

const consumers = 2;
/** As JSON Lines of 226 bytes are cut. */
const batchRecords = 424;

async function measure(records: number, requestsAMinute: number): Promise<WaitingFigures> {
  const limit = { requests: requestsAMinute, windowSeconds: 60 };
  const scenario = { files: [records], batchRecords, consumers, limit, seed: 1 };
  const { lastStoredMs, awakeMs, requests } = await new DeliverySimulation(scenario).run();
  const gigabyteSeconds = (awakeMs / 1000) * (consumerMemoryFor(requestsAMinute / 60 / consumers) / 1024);
  return {
    requestsAMinute,
    functionsAwake: awakeMs / lastStoredMs,
    useOfLimit: ((requests / lastStoredMs) * 60_000) / requestsAMinute,
    lambdaOfAMillion: (gigabyteSeconds * listPrices.gigabyteSecond * 1e6) / records,
  };
}

console.log(JSON.stringify(await measure(Number(process.argv[2] ?? 40_000), 600)));
