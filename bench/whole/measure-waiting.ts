/** What waiting for a slow API costs: `node measure-waiting.ts RECORDS`, in simulated time. */
import { consumerMemoryFor } from '../../cdk/consumer-memory.ts';
import { listPrices } from '../../cli/check/list-prices.ts';
import { DeliverySimulation } from '../../test/support/delivery-simulation.ts';

export interface WaitingFigures {
  requestsAMinute: number;
  records: number;
  batchRecords: number;
  /** Consumers that Lambda is billed for, on average; at least two are deployed. */
  functionsAwake: number;
  useOfLimit: number;
  /** Dollars of Lambda for a million records. */
  lambdaOfAMillion: number;
  /** How often a batch was sent back to wait for its turn, for each batch. */
  sentBackABatch: number;
  /** For a thousand records: leases, saves of progress, and their write units together. */
  leasesAThousand: number;
  savesAThousand: number;
  writeUnitsAThousand: number;
}

const consumers = 2;
/** As JSON Lines of 226 bytes are cut for an API with a limit. */
const batchRecords = 849;
/** Until a file of 226 MB is hashed, and its first batches are cut. Milliseconds. */
const splitMs = 4_000;
/** As in the stage prod. */
const horizonSeconds = 3_600;

async function measure(records: number, requestsAMinute: number): Promise<WaitingFigures> {
  const limit = { requests: requestsAMinute, windowSeconds: 60 };
  const file = { files: [records], batchRecords, splitMs, horizonSeconds };
  const scenario = { ...file, consumers, limit, connections: 8, seed: 1 };
  const { lastStoredMs, awakeMs, requests, sentBack, leases, saves, saveUnits } = await new DeliverySimulation(
    scenario,
  ).run();
  const sendingMs = lastStoredMs - splitMs;
  const gigabyteSeconds = (awakeMs / 1000) * (consumerMemoryFor(limit, consumers) / 1024);
  return {
    ...{ requestsAMinute, records, batchRecords },
    functionsAwake: awakeMs / sendingMs,
    useOfLimit: ((requests / sendingMs) * 60_000) / requestsAMinute,
    lambdaOfAMillion: (gigabyteSeconds * listPrices.gigabyteSecond * 1e6) / records,
    sentBackABatch: sentBack / Math.ceil(records / batchRecords),
    leasesAThousand: (leases / records) * 1_000,
    savesAThousand: (saves / records) * 1_000,
    writeUnitsAThousand: ((leases + saveUnits) / records) * 1_000,
  };
}

const [records = '40000', requestsAMinute = '600'] = process.argv.slice(2);
console.log(JSON.stringify(await measure(Number(records), Number(requestsAMinute))));
