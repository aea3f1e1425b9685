import type { SendMessageBatchCommand, SendMessageBatchResult, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { SqsBatchQueue } from '../../../lambdas/adapters/sqs-queues.ts';
import { awsFaultOf } from '../../../lambdas/core/aws-fault.ts';
import type { BatchMessage } from '../../../lambdas/messages.ts';

type Answer = (ids: string[]) => SendMessageBatchResult;

const url = 'http://127.0.0.1:1/000000000000/records';
const fault = (Code: string, SenderFault: boolean) => ({ Code, SenderFault, Message: 'no' });

/** Every entry is taken but those with these ids. */
const allBut =
  (failing: string[], how = fault('InternalError', false)): Answer =>
  (ids) => ({
    Successful: ids.filter((id) => !failing.includes(id)).map((Id) => ({ Id, MessageId: 'm', MD5OfMessageBody: '' })),
    Failed: ids.filter((id) => failing.includes(id)).map((Id) => ({ Id, ...how })),
  });
const throttled: Answer = () => {
  throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
};

/** A queue whose SQS gives these answers, one after the other, and then takes everything. */
function queueWith(answers: Answer[]) {
  const calls: string[][] = [];
  const slept: number[] = [];
  const sizes: number[] = [];
  const stub = {
    send: async ({ input }: SendMessageBatchCommand) => {
      const entries = input.Entries ?? [];
      calls.push(entries.map(({ MessageBody }) => (JSON.parse(MessageBody ?? '') as BatchMessage).batch.toString()));
      sizes.push(entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody ?? ''), 0));
      return (answers.shift() ?? allBut([]))(entries.map(({ Id }) => Id ?? ''));
    },
  };
  const clock = { sleep: async (ms: number) => void slept.push(ms) };
  return { queue: new SqsBatchQueue(stub as unknown as SQSClient, url, clock), calls, slept, sizes };
}

const batches = (count: number, body = 'x'): BatchMessage[] =>
  Array.from({ length: count }, (_, index) => ({
    v: 1,
    kind: 'slice',
    feed: 'traffic',
    fileId: 'f',
    batch: index + 1,
    attempt: 1,
    failures: 0,
    offset: index,
    firstRecord: index + 1,
    firstLine: index + 1,
    records: 1,
    encoding: 'text',
    body,
  }));

describe('sending batches', () => {
  it('puts ten messages in a call, and no more bytes than a call may have', async () => {
    const many = queueWith([]);
    await many.queue.sendBatches(batches(23));
    expect(many.calls.map((call) => call.length)).toEqual([10, 10, 3]);

    const large = queueWith([]);
    await large.queue.sendBatches(batches(9, 'ü'.repeat(120_000)));
    expect(large.calls.flat()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(Math.max(...large.sizes)).toBeLessThan(1024 * 1024);
  });

  it('resends what SQS failed on, and nothing else', async () => {
    const { queue, calls, slept } = queueWith([allBut(['1', '3']), allBut(['1'])]);
    await queue.sendBatches(batches(5));
    expect(calls).toEqual([['1', '2', '3', '4', '5'], ['2', '4'], ['2']]);
    expect(slept).toHaveLength(2);
  });

  it('resends what SQS does not mention', async () => {
    const { queue, calls } = queueWith([() => ({ Successful: [], Failed: [] })]);
    await queue.sendBatches(batches(2));
    expect(calls).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
  });

  it.each([
    ['of calls', throttled],
    ['of messages, as SQS tells it', allBut(['0', '1'], fault('RequestThrottled', true))],
    ['of its keys', allBut(['0', '1'], fault('KMS.ThrottlingException', true))],
  ])('is slowed by throttling %s, and loses nothing', async (_, answer) => {
    const { queue, calls, slept } = queueWith(Array.from({ length: 5 }, () => answer));
    await queue.sendBatches(batches(2));
    expect(calls).toEqual(Array.from({ length: 6 }, () => ['1', '2']));
    expect(slept).toHaveLength(5);
    expect(Math.max(...slept)).toBeLessThan(5_000);
  });

  it('eventually gives up, with the reason', async () => {
    const { queue, calls } = queueWith(Array.from({ length: 99 }, () => allBut(['0'])));
    await expect(queue.sendBatches(batches(3))).rejects.toThrow('1 of 3 messages: InternalError: no');
    expect(calls).toHaveLength(8);
    const throttling = queueWith(Array.from({ length: 99 }, () => throttled));
    await expect(throttling.queue.sendBatches(batches(3))).rejects.toThrow(
      '3 of 3 messages: ThrottlingException: Rate exceeded',
    );
  });

  it.each([
    ['waits for a person where a key is', 'KmsAccessDenied', 'configuration'],
    ['waits for a person where a key is', 'KMS.DisabledException', 'configuration'],
    ['does not wait where the message is', 'InvalidMessageContents', undefined],
  ])('%s at fault: %s', async (_, code, kind) => {
    const { queue } = queueWith([allBut(['1'], fault(code, true))]);
    const error: unknown = await queue.sendBatches(batches(3)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(awsFaultOf(error)?.kind).toBe(kind);
  });

  it('does not retry what SQS will never accept', async () => {
    const { queue, calls } = queueWith([allBut(['1'], fault('InvalidMessageContents', true))]);
    await expect(queue.sendBatches(batches(3))).rejects.toThrow('1 of 3 messages: InvalidMessageContents: no');
    expect(calls).toHaveLength(1);
  });

  it('passes on any other error of a call at once', async () => {
    const { queue, calls } = queueWith([
      () => {
        throw new Error('AWS.SimpleQueueService.NonExistentQueue');
      },
    ]);
    await expect(queue.sendBatches(batches(1))).rejects.toThrow(/NonExistentQueue/);
    expect(calls).toHaveLength(1);
  });

  it('writes characters that SQS refuses as escapes', async () => {
    let body = '';
    const stub = {
      send: async ({ input }: SendMessageBatchCommand) => {
        body = input.Entries?.[0]?.MessageBody ?? '';
        return allBut([])(['0']);
      },
    };
    const queue = new SqsBatchQueue(stub as unknown as SQSClient, url, { sleep: async () => undefined });
    const sent = batches(1, 'a\ufffe\uffffb');
    await queue.sendBatches(sent);
    expect(body).not.toMatch(/[\ufffe\uffff]/);
    expect([JSON.parse(body)]).toEqual(sent);
  });
});
