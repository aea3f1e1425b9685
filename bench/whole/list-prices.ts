import type { CallCounts } from '../../localstack/fault-proxy/call-counts.ts';

/**
 * List prices of us-east-1, on demand, without free tiers, as known in November 2026, in dollars:
 * https://aws.amazon.com/s3/pricing/ https://aws.amazon.com/dynamodb/pricing/on-demand/ https://aws.amazon.com/sqs/pricing/
 * https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/kms/pricing/ https://aws.amazon.com/eventbridge/pricing/
 */
const prices = {
  s3Write: 5e-6,
  s3Read: 0.4e-6,
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  sqsRequest: 0.4e-6,
  lambdaRequest: 0.2e-6,
  /** arm64. */
  gigabyteSecond: 13.3334e-6,
  signature: 15e-6,
  event: 1e-6,
};

export const gigabyteSecondPrice = prices.gigabyteSecond;

/** What Lambda's mappings do beside the functions' own calls, for each ten messages. */
const mappingRequests = 2;
const mappingBatch = 10;

export interface Usage {
  counts: CallCounts;
  writeUnits: number;
  /** Messages that mappings received and deleted. */
  messages: number;
  invocations: number;
  gigabyteSeconds: number;
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
export function costOfAMillion(
  { counts, writeUnits, messages, invocations, gigabyteSeconds }: Usage,
  records: number,
): Cost {
  const requests = (name: string): number => counts[name]?.requests ?? 0;
  const kibibytes = (name: string): number => counts[name]?.kibibytes ?? 0;
  const sum = (prefix: string, of: (name: string) => number): number =>
    Object.keys(counts).reduce((total, name) => total + (name.startsWith(prefix) ? of(name) : 0), 0);
  const s3Reads = requests('s3.GetObject') + requests('s3.HeadObject');
  const s3 = s3Reads * prices.s3Read + (sum('s3.', requests) - s3Reads) * prices.s3Write;
  const reads = ['GetItem', 'BatchGetItem', 'Query'].reduce((total, name) => total + requests(`dynamodb.${name}`), 0);
  const dynamodb = writeUnits * prices.writeUnit + reads * prices.readUnit;
  // 64 KiB of a message are a request.
  const sends = sum('sqs.', (name) => Math.max(requests(name), kibibytes(name) / 64));
  const sqs = (sends + (messages / mappingBatch) * mappingRequests) * prices.sqsRequest;
  const lambda = invocations * prices.lambdaRequest + gigabyteSeconds * prices.gigabyteSecond;
  const other = requests('trentservice.Sign') * prices.signature + requests('events.PutEvents') * prices.event;
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
