import { describe, expect, it } from 'vitest';
import { awsFaultOf } from '../../../lambdas/core/aws-fault.ts';
import {
  AlteredMessageError,
  AwsFaultError,
  ContradictionError,
  LeaseLostError,
  NewerVersionError,
  SourceChangedError,
} from '../../../lambdas/core/errors.ts';

/** As the SDK makes them. */
function sdkError(name: string, more: object = {}): Error {
  return Object.assign(new Error('no'), { name, ...more });
}

const status = (httpStatusCode: number) => ({ $fault: 'client', $metadata: { httpStatusCode } });
const cancelled = (...codes: string[]) =>
  sdkError('TransactionCanceledException', { ...status(400), CancellationReasons: codes.map((Code) => ({ Code })) });

describe('a message waits if', () => {
  it.each([
    ['DynamoDB fails', sdkError('InternalServerError', { $fault: 'server', $metadata: { httpStatusCode: 500 } })],
    ['DynamoDB throttles', sdkError('ThrottlingException', status(400))],
    ['a table has no capacity left', sdkError('ProvisionedThroughputExceededException', status(400))],
    ['the account has none left', sdkError('RequestLimitExceeded', status(400))],
    ['a transaction meets another again and again', cancelled('None', 'TransactionConflict')],
    ['a transaction is throttled', cancelled('ThrottlingError', 'None')],
    ['one item of a transaction has no capacity', cancelled('ProvisionedThroughputExceeded', 'None')],
    ['S3 asks to slow down', sdkError('SlowDown', { ...status(503) })],
    ['S3 answers 500', sdkError('InternalError', { ...status(500) })],
    ['S3 answers a HEAD with 503', sdkError('UnknownError', { $metadata: { httpStatusCode: 503 } })],
    ['S3 has another write in progress', sdkError('ConditionalRequestConflict', status(409))],
    ['KMS throttles', sdkError('ThrottlingException', { ...status(400), $retryable: { throttling: true } })],
    ['KMS throttles for SQS', sdkError('KMS.ThrottlingException', status(400))],
    ['KMS has not the key at hand', sdkError('KeyUnavailableException', status(500))],
    ['SQS throttles', sdkError('RequestThrottled', status(403))],
    ['a call may be made again, the service says', sdkError('SomethingNew', { ...status(400), $retryable: {} })],
    ['no answer comes in time', sdkError('TimeoutError')],
    ['a connection is refused', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })],
    ['a connection is lost', Object.assign(new Error('aborted'), { code: 'ECONNRESET' })],
    ['every address of a name fails', new AggregateError([Object.assign(new Error('x'), { code: 'ETIMEDOUT' })])],
    ['a name has no address', Object.assign(new Error('dns'), { code: 'EAI_AGAIN' })],
    ['SQS left out a message of a batch', new AwsFaultError('InternalError', 'SQS did not take 1 of 2 messages')],
    ['the cause is one', new Error('reading broke 5 times', { cause: sdkError('SlowDown', status(503)) })],
  ])('%s', (_, error) => expect(awsFaultOf(error)?.kind).toBe('unavailable'));
});

describe('a message waits for a person if', () => {
  it.each([
    ['a permission is missing', sdkError('AccessDeniedException', status(400))],
    ['S3 denies access', sdkError('AccessDenied', status(403))],
    ['S3 denies a HEAD', sdkError('UnknownError', { $metadata: { httpStatusCode: 403 } })],
    ['a key is disabled', sdkError('DisabledException', status(400))],
    ['a key is disabled, as SQS says it', sdkError('KMS.DisabledException', status(400))],
    ['SQS may not use the key', sdkError('KmsAccessDenied', status(400))],
    ['SQS may not use the key, in the protocol of before', sdkError('KMS.AccessDeniedException', status(400))],
    ['a key is about to be deleted', sdkError('KMSInvalidStateException', status(400))],
    ['the table is gone', sdkError('ResourceNotFoundException', status(400))],
    ['the queue is gone', sdkError('QueueDoesNotExist', status(400))],
    ['the bucket is gone', sdkError('NoSuchBucket', status(404))],
    ['credentials have expired', sdkError('ExpiredTokenException', status(403))],
  ])('%s', (_, error) => expect(awsFaultOf(error)?.kind).toBe('configuration'));
});

describe('a message does not wait for', () => {
  const throttled = sdkError('ThrottlingException', status(400));
  it.each([
    ['a bug', new TypeError("Cannot read properties of undefined (reading 'x')")],
    ['what contradicts the ledger', new ContradictionError('no such file', { cause: throttled })],
    ['what was altered', new AlteredMessageError('altered')],
    ['what a later version sent', new NewerVersionError('message', 2, 1)],
    ['a lease that is lost', new LeaseLostError('lost')],
    ['an object that was replaced', new SourceChangedError('replaced', { cause: sdkError('412', status(412)) })],
    ['a call that is wrong', sdkError('ValidationException', status(400))],
    ['a condition that does not hold', sdkError('ConditionalCheckFailedException', status(400))],
    ['a transaction whose condition does not hold', cancelled('ConditionalCheckFailed', 'ThrottlingError')],
    ['a transaction that is wrong', cancelled('ValidationError', 'None')],
    ['an item that is too large', cancelled('ItemCollectionSizeLimitExceeded', 'None')],
    ['an object that is not there', sdkError('NoSuchKey', status(404))],
    ['a message that SQS will never take', sdkError('InvalidMessageContents', status(400))],
    ['an error without a name', 'just text'],
    ['nothing', undefined],
  ])('%s', (_, error) => expect(awsFaultOf(error)).toBeUndefined());

  it('a chain of causes that refers back to itself', () => {
    const error = new Error('a');
    error.cause = error;
    expect(awsFaultOf(error)).toBeUndefined();
  });
});
