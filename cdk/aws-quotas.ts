/** AWS's quotas. A setting that exceeds one is refused at synth rather than in the middle of a deploy. */

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: a function's timeout. */
export const maxFunctionSeconds = 900;

/** https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html: characters of a function's name. */
export const maxFunctionNameLength = 64;

/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: a mapping's maximum concurrency. */
export const minMappingConcurrency = 2;
export const maxMappingConcurrency = 1000;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
export const maxVisibilitySeconds = 12 * 60 * 60;
export const maxQueueRetentionDays = 14;
export const maxMessageBytes = 1024 * 1024;

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
export const logRetentionDays: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export const maxBucketNameLength = 63;

/** Every account number has so many digits; the longest region's name today is `ap-southeast-1`, of 14 letters. */
export const accountLength = 12;
export const maxRegionLength = 14;

/**
 * Lambda refuses a mapping whose queue hides a message for less than its function's time. Its guide recommends six times as
 * much (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html), which is for functions that leave the
 * timeout as it is: ours set each message's own as soon as they start (except for many small files). The queue's is how long
 * a message stays hidden whose function never started, so it is short:
 * docs/operations.md#a-function-that-does-not-start.
 */
export const minVisibilityFactor = 2;

/** The same page: at least 5 receives before a message goes to the DLQ, so that throttling alone sends none there. */
export const minReceives = 5;

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: of one stack. */
export const maxResources = 500;
export const maxOutputs = 200;
export const maxTemplateBytes = 1_000_000;

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: a function's environment variables, in total. */
export const maxEnvironmentBytes = 4096;

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: a role's inline policies together. */
export const maxInlinePolicyBytes = 10_240;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html */
export const maxQueueNameLength = 80;

/** The longest there are: GovCloud's partition, and the domain of China's regions. */
export const longestPartition = 'aws-us-gov';
export const longestUrlSuffix = 'amazonaws.com.cn';
