import { createHash, timingSafeEqual } from 'node:crypto';
import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { checkSpot, refusedOncePrefix } from './spot.ts';

/** The parts of a function URL's request that are needed here. */
interface UrlRequest {
  rawPath: string;
  headers: Record<string, string | undefined>;
  body?: string;
  isBase64Encoded: boolean;
  requestContext: { http: { method: string } };
}

interface UrlAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

const client = new DynamoDBClient({});

/** The fake Avstar API for a stack in AWS: request ids are kept in a table, so that any number of instances may run. */
export async function handler(request: UrlRequest): Promise<UrlAnswer> {
  const { rawPath, headers, requestContext } = request;
  if (!isAuthorised(headers['authorization'])) return answer(401, { error: 'another token' });
  if (requestContext.http.method !== 'POST' || rawPath !== '/ingest') return answer(404, { error: 'not found' });
  const requestId = headers['x-request-id'];
  if (!requestId) return answer(400, { error: 'X-Request-ID is missing' });
  const checked = checkSpot(Buffer.from(request.body ?? '', request.isBase64Encoded ? 'base64' : 'utf8').toString());
  if ('error' in checked) return answer(422, checked);
  if (checked.spot.spot_id.startsWith(refusedOncePrefix) && (await isNew(`refused#${requestId}`))) {
    return answer(422, { error: 'refused the first time', field: 'spot_id' });
  }
  if (await isNew(`stored#${requestId}`)) return answer(201, { spot_id: checked.spot.spot_id });
  return answer(409, { error: 'this request id has been seen' });
}

function isAuthorised(authorization: string | undefined): boolean {
  const given = createHash('sha256')
    .update(authorization ?? '')
    .digest();
  const expected = Buffer.from(process.env['AUTHORIZATION_SHA256'] ?? '', 'hex');
  return expected.length === given.length && timingSafeEqual(given, expected);
}

async function isNew(id: string): Promise<boolean> {
  const TableName = process.env['TABLE'];
  try {
    await client.send(
      new PutItemCommand({ TableName, Item: { id: { S: id } }, ConditionExpression: 'attribute_not_exists(id)' }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

const answer = (statusCode: number, body: object): UrlAnswer => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
