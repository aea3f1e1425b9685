import {
  AlteredMessageError,
  AwsFaultError,
  ContradictionError,
  LeaseLostError,
  NewerVersionError,
  UploadGoneError,
} from './errors.ts';

/**
 * Why a call to AWS failed.
 * - `unavailable`: the service is down, throttles, or can't be reached. The fault passes by itself.
 * - `configuration`: the service refuses: a permission, a key or a resource is missing. It passes after a person fixes
 *   it.
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

/** Error names of temporary faults, with any status; in addition to all names that contain throttling. */
const unavailableNames = new Set([
  ...['TimeoutError', 'RequestTimeout', 'RequestTimeoutException', 'DependencyTimeoutException', 'SlowDown'],
  ...['TooManyRequests', 'TooManyRequestsException', 'RequestLimitExceeded', 'LimitExceededException', 'OverLimit'],
  ...['ProvisionedThroughputExceeded', 'ProvisionedThroughputExceededException', 'BandwidthLimitExceeded'],
  ...['TransactionInProgressException', 'TransactionConflictException', 'PriorRequestNotComplete'],
  ...['ConditionalRequestConflict', 'OperationAborted', 'ServiceUnavailable', 'ServiceUnavailableException'],
  ...['InternalFailure', 'InternalError', 'InternalServerError', 'KeyUnavailableException'],
]);

/** Error names of refusals: permissions, keys, resources. */
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

/** Reasons for which a transaction is cancelled that are not about its content. */
const passingReasons = new Set([
  ...['ThrottlingError', 'ProvisionedThroughputExceeded', 'TransactionConflict', 'RequestLimitExceeded', 'None'],
]);

/** More than the length of any chain of causes that Sluice makes. */
const maxCauses = 8;

interface SdkError {
  $fault?: unknown;
  $retryable?: unknown;
  $metadata?: { httpStatusCode?: number };
  CancellationReasons?: { Code?: string }[];
  code?: unknown;
}

/**
 * The one place that distinguishes an AWS fault, for which a message waits, from a defect, for which it ends in its DLQ.
 * Only known faults count: a message that fails for any other reason must not wait forever.
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

/** Sluice's own errors about a message or another instance, even if a call to AWS revealed them. */
function isOurs(error: Error): boolean {
  return [AlteredMessageError, ContradictionError, LeaseLostError, NewerVersionError, UploadGoneError].some(
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
  // S3 answers a HEAD without a body, and therefore without an error name.
  if (status === 401 || status === 403) return { kind: 'configuration', code: error.name };
  return undefined;
}

function isPassingStatus(status: number | undefined): boolean {
  return status !== undefined && (status >= 500 || status === 429 || status === 408);
}
