import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { AwsCall } from './identify-call.ts';

type Item = Record<string, AttributeValue>;

interface Place {
  TableName: string;
  Key: Item;
}

/**
 * The size of an item, as DynamoDB calculates it:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

/** Values as in a request, where binary is base64. */
function valueBytes(value: AttributeValue): number {
  const [[type, content] = ['NULL', true]] = Object.entries(value) as [string, unknown][];
  switch (type) {
    case 'S':
      return Buffer.byteLength(content as string);
    case 'N':
      // One byte per two significant digits, plus one.
      return Math.ceil((content as string).replace(/^[-0.]+|\D/g, '').length / 2) + 1;
    case 'B':
      return Buffer.from(content as string, 'base64').length;
    case 'M':
      return 3 + Object.keys(content as Item).length + itemBytes(content as Item);
    case 'L':
      return 3 + (content as AttributeValue[]).reduce((sum, each) => sum + 1 + valueBytes(each), 0);
    default:
      return 1;
  }
}

interface WriteRequest {
  TableName?: string;
  Key?: Item;
  Item?: Item;
  TransactItems?: Record<string, { TableName: string; Key?: Item; Item?: Item }>[];
}

/**
 * Counts the write units of the calls that a proxy forwards: for each written item, the larger of its old and new size in
 * whole KiB, doubled in a transaction. The items are read directly from the endpoint, and these reads are not counted.
 */
export class WriteUnitMeter {
  units = 0;
  readonly #endpoint: () => string;

  constructor(endpoint: () => string) {
    this.#endpoint = endpoint;
  }

  /** Called before the call is forwarded; the returned function is called after the answer. */
  async before({ service, operation }: AwsCall, body: Buffer): Promise<(() => Promise<void>) | undefined> {
    if (service !== 'dynamodb' || !/^(Put|Update|Delete)Item$|^TransactWriteItems$/.test(operation)) return undefined;
    const places = placesOf(JSON.parse(body.toString()) as WriteRequest);
    const factor = operation === 'TransactWriteItems' ? 2 : 1;
    const were = await Promise.all(places.map((place) => this.#bytes(place)));
    return async () => {
      const are = await Promise.all(places.map((place) => this.#bytes(place)));
      // A refused write costs as much as the existing item; if there is none, one unit.
      are.forEach((bytes, n) => {
        this.units += factor * Math.max(1, Math.ceil(Math.max(bytes, were[n] ?? 0) / 1024));
      });
    };
  }

  async #bytes({ TableName, Key }: Place): Promise<number> {
    const answer = await fetch(this.#endpoint(), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.GetItem',
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify({ TableName, Key, ConsistentRead: true }),
    });
    if (!answer.ok) throw new Error(`The item could not be measured: ${await answer.text()}`);
    const { Item: item } = (await answer.json()) as { Item?: Item };
    return item ? itemBytes(item) : 0;
  }
}

/** The keys of the stack's tables: the ledger's two, and the record ledger's. */
const keyNames = ['pk', 'sk', 'recordKey'];

function placesOf(request: WriteRequest): Place[] {
  const writes = request.TransactItems?.flatMap((each) => Object.values(each)) ?? [request];
  return writes.map(({ TableName = '', Key, Item: item }) => {
    const key = Key ?? Object.fromEntries(Object.entries(item ?? {}).filter(([name]) => keyNames.includes(name)));
    return { TableName, Key: key };
  });
}
