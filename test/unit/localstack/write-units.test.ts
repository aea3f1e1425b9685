import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itemBytes, WriteUnitMeter } from '../../../localstack/fault-proxy/write-units.ts';
import { readAll } from '../../../localstack/fault-proxy/forward.ts';

describe('an item’s size', () => {
  it.each([
    ['names and texts by their UTF-8', { pk: { S: 'é' } }, 2 + 2],
    ['two digits to a byte, and one', { n: { N: '-1234' } }, 1 + 3],
    ['binary by its bytes, not their base64', { b: { B: Buffer.alloc(300).toString('base64') } as never }, 1 + 300],
    ['a byte for what is true, or nothing', { a: { BOOL: true }, b: { NULL: true } }, 1 + 1 + 1 + 1],
    ['three for a list, and one for each in it', { l: { L: [{ S: 'ab' }, { S: 'c' }] } }, 1 + 3 + 1 + 2 + 1 + 1],
    ['the same for a map', { m: { M: { k: { S: 'v' } } } }, 1 + 3 + 1 + 1 + 1],
  ])('%s', (_, item, bytes) => {
    expect(itemBytes(item)).toBe(bytes);
  });
});

describe('the meter', () => {
  let table: Record<string, object>;
  let meter: WriteUnitMeter;
  let close: () => void;

  beforeEach(async () => {
    table = {};
    const server = createServer((request, response) => {
      void readAll(request).then((body) => {
        const { Key } = JSON.parse(body.toString()) as { Key: Record<string, { S: string }> };
        response.end(JSON.stringify({ Item: table[Object.values(Key)[0]?.S ?? ''] }));
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    close = () => void server.close();
    meter = new WriteUnitMeter(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  afterEach(() => close());

  const item = (name: string, bytes: number) => ({ pk: { S: name }, body: { S: 'x'.repeat(bytes) } });
  const write = async (operation: string, request: object, change: () => void) => {
    const answered = await meter.before({ service: 'dynamodb', operation }, Buffer.from(JSON.stringify(request)));
    change();
    await answered?.();
  };

  it('uses the larger of before and after, in whole KiB', async () => {
    const update = { TableName: 't', Key: { pk: { S: 'a' } } };
    await write('UpdateItem', update, () => (table['a'] = item('a', 1_500)));
    expect(meter.units).toBe(2);
    await write('UpdateItem', update, () => (table['a'] = item('a', 10)));
    expect(meter.units).toBe(2 + 2);
    await write('UpdateItem', update, () => undefined);
    expect(meter.units).toBe(2 + 2 + 1);
  });

  it('counts a transaction’s items twice, and a refused write as one', async () => {
    const places = ['a', 'b'].map((name) => ({ Update: { TableName: 't', Key: { pk: { S: name } } } }));
    table['a'] = item('a', 2_000);
    await write('TransactWriteItems', { TransactItems: places }, () => undefined);
    expect(meter.units).toBe(2 * 2 + 2 * 1);
  });

  it('recognises a new item by its keys, and ignores reads', async () => {
    await write('PutItem', { TableName: 't', Item: item('a', 1_100) }, () => (table['a'] = item('a', 1_100)));
    await write('GetItem', { TableName: 't', Key: { pk: { S: 'a' } } }, () => undefined);
    expect(meter.units).toBe(2);
  });

  it('knows the key of the record ledger', async () => {
    const record = { recordKey: { S: 'r' }, payload: { S: 'x'.repeat(2_100) } };
    await write('PutItem', { TableName: 't', Item: record }, () => (table['r'] = record));
    expect(meter.units).toBe(3);
  });
});
