/**
 * List prices of us-east-1, on demand, without free tiers, as known in November 2026, in dollars:
 * https://aws.amazon.com/s3/pricing/ https://aws.amazon.com/dynamodb/pricing/on-demand/ https://aws.amazon.com/sqs/pricing/
 * https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/kms/pricing/ https://aws.amazon.com/eventbridge/pricing/
 * https://aws.amazon.com/cloudwatch/pricing/
 */
export const listPrices = {
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
  /** CloudWatch Logs, ingested. */
  logGigabyte: 0.5,
};
