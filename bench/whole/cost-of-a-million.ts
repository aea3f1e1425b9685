import { listPrices } from '../../cli/check/list-prices.ts';
import type { CallCounts } from '../../localstack/fault-proxy/call-counts.ts';

/** Lambda's mappings receive and delete messages, so many with a request. */
const mappingBatch = 10;

export interface Usage {
  counts: CallCounts;
  writeUnits: number;
  /** Messages that mappings received and deleted. */
  messages: number;
  invocations: number;
  gigabyteSeconds: number;
  /** Messages that S3 sent. */
  announcements?: number;
  logBytes?: number;
}

export interface Cost {
  s3: number;
  dynamodb: number;
  sqs: number;
  lambda: number;
  other: number;
  total: number;
}

/** In dollars for a million records. */
export function costOfAMillion(usage: Usage, records: number): Cost {
  const { counts, writeUnits, messages, invocations, gigabyteSeconds } = usage;
  const { announcements = 0, logBytes = 0 } = usage;
  const requests = (name: string): number => counts[name]?.requests ?? 0;
  const kibibytes = (name: string): number => counts[name]?.kibibytes ?? 0;
  const sum = (prefix: string, of: (name: string) => number): number =>
    Object.keys(counts).reduce((total, name) => total + (name.startsWith(prefix) ? of(name) : 0), 0);
  const s3Reads = requests('s3.GetObject') + requests('s3.HeadObject');
  const s3 = s3Reads * listPrices.s3Read + (sum('s3.', requests) - s3Reads) * listPrices.s3Write;
  const reads = ['GetItem', 'BatchGetItem', 'Query'].reduce((total, name) => total + requests(`dynamodb.${name}`), 0);
  const dynamodb = writeUnits * listPrices.writeUnit + reads * listPrices.readUnit;
  // 64 KiB of a message are a request, when it is sent and when it is received.
  const sends = sum('sqs.', (name) => Math.max(requests(name), kibibytes(name) / 64));
  const received = Math.max(messages / mappingBatch, sum('sqs.Send', kibibytes) / 64);
  const sqs = (announcements + sends + received + messages / mappingBatch) * listPrices.sqsRequest;
  const lambda = invocations * listPrices.lambdaRequest + gigabyteSeconds * listPrices.gigabyteSecond;
  const other =
    requests('trentservice.Sign') * listPrices.signature +
    requests('events.PutEvents') * listPrices.event +
    (logBytes / 1e9) * listPrices.logGigabyte;
  const scale = 1e6 / records;
  const parts = {
    s3: s3 * scale,
    dynamodb: dynamodb * scale,
    sqs: sqs * scale,
    lambda: lambda * scale,
    other: other * scale,
  };
  return { ...parts, total: Object.values(parts).reduce((total, part) => total + part, 0) };
}
