/** What AWS gives one key, one function, one stream: each may be the first to stop more. As known in November 2026. */
export const quotas = {
  /** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html: of one partition, so of one item. */
  itemWriteUnitsASecond: 1_000,
  /** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html: a table on demand, before it is raised. */
  tableWriteUnitsASecond: 40_000,
  /** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: functions at once in an account, before it is raised. */
  functionsAtOnce: 1_000,
  /** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html: messages in flight of a queue. */
  messagesInFlight: 120_000,
  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html: of one prefix. */
  putsASecond: 3_500,
  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html: one GET's stream, bytes. */
  bytesASecondOfOneStream: 90e6,
  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html: 10,000 parts, of the sizes that the finalizer makes. */
  bytesInParts: 2_500 * (8 + 16 + 32 + 64) * 1024 ** 2,
} as const;
