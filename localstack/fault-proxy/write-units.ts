import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { AwsCall } from './identify-call.ts';

type Item = Record<string, AttributeValue>;

interface Place {
  TableName: string;
  Key: Item;
}

/**
 * Of an item, as DynamoDB reckons it:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

/** As they stand in a request: binary is base64 there. */
function valueBytes(value: AttributeValue): number {
  const [[type, content] = ['NULL', true]] = Object.entries(value) as [string, unknown][];
  switch (type) {
    case 'S':
      return Buffer.byteLength(content as string);
    case 'N':
      // One byte for two significant digits, and one.
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
 * Write units of the calls that a proxy hands on: of each item that is written the larger of what it was and what it is,
 * in whole KiB, twice in a transaction. The items are asked for behind the proxy, and count nothing.
 */
export class WriteUnitMeter {
  units = 0;
  readonly #endpoint: () => string;

  constructor(endpoint: () => string) {
    this.#endpoint = endpoint;
  }

  /** Called before the call is handed on; what it gives back, when it has been answered. */
  async before({ service, operation }: AwsCall, body: Buffer): Promise<(() => Promise<void>) | undefined> {
    if (service !== 'dynamodb' || !/^(Put|Update|Delete)Item$|^TransactWriteItems$/.test(operation)) return undefined;
    const places = placesOf(JSON.parse(body.toString()) as WriteRequest);
    const factor = operation === 'TransactWriteItems' ? 2 : 1;
    const were = await Promise.all(places.map((place) => this.#bytes(place)));
    return async () => {
      const are = await Promise.all(places.map((place) => this.#bytes(place)));
      // A write that was refused costs what the item that is there does; if there is none, one unit.
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

/** All tables of the stack have the keys `pk` and, but for one, `sk`. */
function placesOf(request: WriteRequest): Place[] {
  const writes = request.TransactItems?.flatMap((each) => Object.values(each)) ?? [request];
  return writes.map(({ TableName = '', Key, Item: item }) => {
    const key =
      Key ?? Object.fromEntries(Object.entries(item ?? {}).filter(([name]) => name === 'pk' || name === 'sk'));
    return { TableName, Key: key };
  });
}
