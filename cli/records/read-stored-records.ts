import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { StoredRecord } from './compare-records.ts';

/** The items that name a file. Reads the whole table: there is no index by file. */
export async function readStoredRecords(
  client: Pick<DynamoDBClient, 'send'>,
  table: string,
  fileId: string,
  signal: AbortSignal,
): Promise<StoredRecord[]> {
  const found: StoredRecord[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        FilterExpression: 'fileId = :file',
        ExpressionAttributeValues: { ':file': { S: fileId } },
        ExclusiveStartKey: start,
      }),
      { abortSignal: signal },
    );
    found.push(...(page.Items ?? []).map(storedRecordOf));
    start = page.LastEvaluatedKey;
  } while (start);
  return found;
}

function storedRecordOf(item: Record<string, AttributeValue>): StoredRecord {
  const text = (name: string): string => item[name]?.S ?? '';
  return {
    recordKey: text('recordKey'),
    record: Number(item['record']?.N ?? 0),
    sha256: text('sha256'),
    requestId: text('requestId'),
    payload: text('payload'),
    payloadSha256: text('payloadSha256'),
    attributes: Object.keys(item),
  };
}
