import type { SQSClientConfig } from '@aws-sdk/client-sqs';

/**
 * Writes the SDK's warnings, such as of too few sockets. By default the SDK does so too, as long as its silent logger has the
 * class name it looks for; bundles don't keep that. There is no `info` or `error`, not even one that does nothing: the SDK
 * asks whether they are there, and would copy the input and output of each call for them, which is a twentieth of a call's
 * CPU time.
 */
const logger = {
  debug: () => undefined,
  // As the SDK does by default.
  warn: (...content: unknown[]): void => console.warn(...content),
} as NonNullable<SQSClientConfig['logger']>;

/**
 * For every AWS client: the SDK sets no limit of its own, and a connection that died while the function was frozen would
 * hang until the function's time is up. Milliseconds.
 */
export const awsClientSettings = {
  maxAttempts: 5,
  logger,
  requestHandler: {
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    socketTimeout: 30_000,
    throwOnRequestTimeout: true,
  },
};

/** For S3: server-side copies of several GB take long to answer. */
export const s3ClientSettings = {
  ...awsClientSettings,
  requestHandler: { ...awsClientSettings.requestHandler, requestTimeout: 300_000, socketTimeout: 300_000 },
};
