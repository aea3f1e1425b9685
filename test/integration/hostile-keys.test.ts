import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { duplicatesSeen } from '../support/duplicates-seen.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';

/** S3: a key has 1,024 bytes at most. */
const longest = `traffic/${'é'.repeat(505)}xx.csv`;

const keys: [string, string][] = [
  ['blanks', 'traffic/ two  blanks .csv'],
  ['plus signs', 'traffic/a+b+.csv'],
  ['a percent sign', 'traffic/100%.csv'],
  ['what looks encoded', 'traffic/%2B%20%zz+%C3%A9.csv'],
  ['quotes', `traffic/it's "so" \`called\`.csv`],
  ['what means something in a URL', 'traffic/a?b=c&d#e;f=g:h@i,$[1]{2}|\\.csv'],
  ['mark-up', 'traffic/<Key>&amp;]]>.csv'],
  ['composed letters', 'traffic/caf\u00e9.csv'],
  ['decomposed letters', 'traffic/cafe\u0301.csv'],
  ['other planes', 'traffic/🎺 広告.csv'],
  ['a way upwards', 'traffic/a/../../b.csv'],
  ['nothing but a way upwards', 'traffic/a/..'],
  ['empty folders', 'traffic//a//b.csv'],
  ['a slash at the end', 'traffic/folder/'],
  ['1,024 bytes', longest],
];

describe('a key with', () => {
  // Side by side: each is a file of three records.
  it.concurrent.each(keys)('%s appears unchanged as the file’s name everywhere', async (_, key) => {
    expect(Buffer.byteLength(longest)).toBe(1024);
    const id = `K${randomUUID().slice(0, 8)}`;
    const text = `${header}\n${id}-1,W,t,30,c\n${id}-2,W,t,bad,c\n${id}-3,W,t,60,c\n`;
    const { fileId } = await stack.drop(key, Buffer.from(text));
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({
      state: 'completed',
      source: { key },
      total_records: 3,
      uploaded_records: 2,
      rejected_records: 1,
      reconciled: true,
    });
    expect((await stack.archived(manifest.archive.source_key ?? '')).toString()).toBe(text);
    expect((await stack.receiptsOf(manifest)).map(({ record }) => record)).toEqual([1, 2, 3]);
    const [dead] = await stack.takeDeadLetters(fileId, 1);
    expect(dead?.letter).toMatchObject({
      source_file: `s3://${stack.output('IntakeBucketName')}/${key}`,
      record: 2,
      raw_payload: `${id}-2,W,t,bad,c`,
    });
  });
});

describe('an object without records', () => {
  it.each([
    ['of no bytes', ''],
    ['with a header alone', `${header}\n`],
    ['with a header alone, unended', header],
  ])('%s has an account with no records', async (_, text) => {
    const { fileId } = await stack.drop(`traffic/${randomUUID()} +.csv`, Buffer.from(text));
    const manifest = await stack.manifestOf(fileId);
    expect(manifest).toMatchObject({ total_records: 0, reconciled: true, dead_lettered_records: 0 });
    expect(['completed', 'duplicate']).toContain(manifest.state);
  });

  it('that stands for a folder is not treated as a file', async () => {
    const before = await duplicatesSeen(stack);
    const { fileId } = await stack.drop(`traffic/${randomUUID()}/`, Buffer.alloc(0));
    await waitFor('the end of its message', async () =>
      (await stack.depth('TrafficIntakeQueueUrl')) === 0 ? true : undefined,
    );
    expect(await stack.ledger.getFile(fileId)).toBeUndefined();
    expect(await duplicatesSeen(stack)).toBe(before);
  });
});
