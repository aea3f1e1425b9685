const ignore = (): void => undefined;

/**
 * Writes the SDK's warnings, such as of too few sockets. By default the SDK does so too, as long as its silent logger has the
 * class name it looks for; bundles don't keep that.
 */
const logger = {
  ...{ debug: ignore, info: ignore, error: ignore },
  // As the SDK does by default.
  warn: (...content: unknown[]): void => console.warn(...content),
};

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
