import { AlteredMessageError, AwsFaultError, ContradictionError, LeaseLostError, NewerVersionError } from './errors.ts';

/**
 * What kept AWS from doing what it was asked for.
 * - `unavailable`: it is down, throttles, or can't be reached. It passes by itself.
 * - `configuration`: it refuses: a permission, a key or a resource is missing. It passes once a person has corrected it.
 */
export interface AwsFault {
  kind: 'unavailable' | 'configuration';
  /** The error's name or code, for the log. */
  code: string;
}

/** As Node, undici and the SDK's HTTP handler name them. */
const networkCodes = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'ENETDOWN', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_SOCKET_CLOSED', 'EPROTO'],
]);

/** Names that services give to "not now", whatever status they come with; beside all that speak of throttling. */
const unavailableNames = new Set([
  ...['TimeoutError', 'RequestTimeout', 'RequestTimeoutException', 'DependencyTimeoutException', 'SlowDown'],
  ...['TooManyRequests', 'TooManyRequestsException', 'RequestLimitExceeded', 'LimitExceededException', 'OverLimit'],
  ...['ProvisionedThroughputExceeded', 'ProvisionedThroughputExceededException', 'BandwidthLimitExceeded'],
  ...['TransactionInProgressException', 'TransactionConflictException', 'PriorRequestNotComplete'],
  ...['ConditionalRequestConflict', 'OperationAborted', 'ServiceUnavailable', 'ServiceUnavailableException'],
  ...['InternalFailure', 'InternalError', 'InternalServerError', 'KeyUnavailableException'],
]);

/** Names that services give to "not like this": who may do it, with which key, and where. */
const configurationNames = new Set([
  ...['Forbidden', 'AllAccessDisabled', 'OptInRequired', 'CredentialsProviderError', 'UnrecognizedClientException'],
  ...['InvalidClientTokenId', 'InvalidAccessKeyId', 'ExpiredToken', 'ExpiredTokenException', 'RequestTimeTooSkewed'],
  ...['InvalidSignatureException', 'SignatureDoesNotMatch', 'ResourceNotFoundException', 'NoSuchBucket'],
  ...['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'],
  // KMS's own names, and those that SQS and DynamoDB pass on.
  ...['DisabledException', 'KMSInvalidStateException', 'InvalidKeyUsageException', 'KmsDisabled', 'KmsInvalidState'],
  ...['KmsNotFound', 'KmsInvalidKeyUsage', 'KmsOptInRequired', 'KMS.DisabledException', 'KMS.InvalidStateException'],
  ...['KMS.KMSInvalidStateException', 'KMS.NotFoundException', 'KMS.OptInRequired', 'KMS.InvalidKeyUsageException'],
]);

/** Reasons in a transaction that was cancelled for nothing that it says. */
const passingReasons = new Set([
  ...['ThrottlingError', 'ProvisionedThroughputExceeded', 'TransactionConflict', 'RequestLimitExceeded', 'None'],
]);

/** Deeper than any chain of causes that we make. */
const maxCauses = 8;

interface SdkError {
  $fault?: unknown;
  $retryable?: unknown;
  $metadata?: { httpStatusCode?: number };
  CancellationReasons?: { Code?: string }[];
  code?: unknown;
}

/**
 * The one place that tells an AWS fault, for which a message waits, from a defect, for which it goes the way to its DLQ.
 * Only what is known to be a fault counts as one: a message that fails for any other reason must not wait for ever.
 * @returns undefined for a defect
 */
export function awsFaultOf(error: unknown): AwsFault | undefined {
  let current = error;
  for (let depth = 0; depth < maxCauses && current instanceof Error; depth++) {
    if (isOurs(current)) return undefined;
    const fault = faultOf(current);
    if (fault) return fault;
    current = current.cause ?? (current instanceof AggregateError ? (current.errors as unknown[])[0] : undefined);
  }
  return undefined;
}

/** What Sluice says of a message or of another copy, though a call to AWS may have shown it. */
function isOurs(error: Error): boolean {
  return [AlteredMessageError, ContradictionError, LeaseLostError, NewerVersionError].some(
    (kind) => error instanceof kind,
  );
}

function faultOf(error: Error): AwsFault | undefined {
  if (error instanceof AwsFaultError) return { kind: 'unavailable', code: error.code };
  const { $fault, $retryable, $metadata, CancellationReasons: reasons, code } = error as SdkError;
  if (error.name === 'TransactionCanceledException') {
    const codes = (reasons ?? []).map((reason) => reason.Code ?? 'None');
    const passes = codes.some((each) => each !== 'None') && codes.every((each) => passingReasons.has(each));
    return passes ? { kind: 'unavailable', code: codes.find((each) => each !== 'None') ?? error.name } : undefined;
  }
  const isNetwork = typeof code === 'string' && networkCodes.has(code);
  if (isNetwork) return { kind: 'unavailable', code };
  if (unavailableNames.has(error.name) || /thrott/i.test(error.name)) return { kind: 'unavailable', code: error.name };
  if (configurationNames.has(error.name) || /AccessDenied/.test(error.name)) {
    return { kind: 'configuration', code: error.name };
  }
  const status = $metadata?.httpStatusCode;
  if ($fault === 'server' || $retryable !== undefined || isPassingStatus(status)) {
    return { kind: 'unavailable', code: error.name };
  }
  // S3 answers a HEAD without a body, and so without a name.
  if (status === 401 || status === 403) return { kind: 'configuration', code: error.name };
  return undefined;
}

function isPassingStatus(status: number | undefined): boolean {
  return status !== undefined && (status >= 500 || status === 429 || status === 408);
}
