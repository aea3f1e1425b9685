import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/client-dynamodb';

/** A record as the record ledger holds it. */
export interface StoredRecord {
  recordId: string;
  /** SHA-256 of the record's bytes. */
  sha256: string;
}

/** Every item of the record ledger. */
export async function readRecordLedger(client: DynamoDBClient, table: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  let start: Record<string, never> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName: table, ExclusiveStartKey: start, ConsistentRead: true }),
    );
    for (const { payload, sha256 } of page.Items ?? []) {
      const { record_id: recordId } = JSON.parse(payload?.S ?? '{}') as { record_id?: string };
      records.push({ recordId: recordId ?? '', sha256: sha256?.S ?? '' });
    }
    start = page.LastEvaluatedKey as typeof start;
  } while (start);
  return records;
}
