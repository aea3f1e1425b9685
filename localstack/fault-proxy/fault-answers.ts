import type { AwsCall } from './identify-call.ts';

/** An answer as the service itself would give it. */
export interface FaultAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * The table's and the account's limit alternate:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
const dynamoThrottles = [
  'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
  'com.amazon.coral.availability#ThrottlingException',
];

/** @param place 0 ≤ x < 1, for services with more than one such answer */
export function throttleAnswer({ service }: AwsCall, place: number): FaultAnswer {
  switch (service) {
    case 'dynamodb':
      return json(400, dynamoThrottles[Math.floor(place * dynamoThrottles.length)] ?? '', 'The level is exceeded.');
    case 'sqs':
      return {
        ...json(400, 'com.amazonaws.sqs#RequestThrottled', 'The request was denied due to request throttling.'),
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-query-error': 'RequestThrottled;Sender' },
      };
    case 's3':
      return xml(503, 'SlowDown', 'Please reduce your request rate.');
    default:
      return json(400, 'ThrottlingException', 'Rate exceeded');
  }
}

export function errorAnswer({ service }: AwsCall): FaultAnswer {
  switch (service) {
    case 'dynamodb':
      return json(500, 'com.amazonaws.dynamodb.v20120810#InternalServerError', 'Internal server error');
    case 'sqs':
      return {
        ...json(500, 'com.amazonaws.sqs#InternalError', 'We encountered an internal error. Please try again.'),
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-query-error': 'InternalError;Receiver' },
      };
    case 's3':
      return xml(500, 'InternalError', 'We encountered an internal error. Please try again.');
    default:
      return json(500, 'InternalFailure', 'The request processing has failed.');
  }
}

function json(status: number, type: string, message: string): FaultAnswer {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify({ __type: type, message }),
  };
}

function xml(status: number, code: string, message: string): FaultAnswer {
  const body =
    `<?xml version="1.0" encoding="UTF-8"?>\n` +
    `<Error><Code>${code}</Code><Message>${message}</Message><RequestId>0000000000000000</RequestId></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}
