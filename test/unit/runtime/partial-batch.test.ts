import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HandledMessage } from '../../../lambdas/runtime/partial-batch.ts';
import { AwsFaultError } from '../../../lambdas/core/errors.ts';
import type { WaitNote } from '../../../lambdas/messages.ts';
import { waitAttribute } from '../../../lambdas/messages.ts';
import type { InFlightMessages } from '../../../lambdas/ports.ts';
import { handleEach } from '../../../lambdas/runtime/partial-batch.ts';
import { delaySeconds, waitedBefore } from '../../../lambdas/runtime/put-back.ts';
import { Shutdown } from '../../../lambdas/runtime/shutdown.ts';
import { silentLog, waitingOn } from '../../support/in-memory-ports.ts';

const now = 1_800_000_000_000;
const down = new AwsFaultError('InternalServerError', 'DynamoDB is down');
const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException' });

let visibilities: number[];
let sent: { body: string; group: string | undefined; note: WaitNote }[];
let counted: number;
let inFlight: InFlightMessages;
let logged: Record<string, unknown>[];

beforeEach(() => {
  visibilities = [];
  sent = [];
  counted = 0;
  logged = [];
  inFlight = {
    changeVisibility: async (_, seconds) => void visibilities.push(seconds),
    putBack: async (body, group, note) => void sent.push({ body, group, note }),
  };
});

interface Received {
  note?: unknown;
  sentAt?: number;
  receives?: number;
  body?: string;
}

function recordOf({ note, sentAt = now, receives = 1, body = '{"any": "text"}' }: Received = {}) {
  const attributes = {
    ApproximateReceiveCount: String(receives),
    SentTimestamp: String(sentAt),
    MessageGroupId: 'file',
  };
  const messageAttributes =
    note === undefined ? {} : { [waitAttribute]: { stringValue: JSON.stringify(note), dataType: 'String' } };
  return { messageId: 'm', receiptHandle: 'r', body, attributes, messageAttributes } as SQSRecord;
}

/** @returns whether the message is acknowledged */
async function handle(
  record: SQSRecord,
  error?: Error,
  end?: HandledMessage,
  keepsTimeouts?: boolean,
): Promise<boolean> {
  const metrics = { add: (_: string, value: number) => void (counted += value), flush: () => undefined };
  const answer = await handleEach({
    event: { Records: [record] } satisfies SQSEvent,
    context: { getRemainingTimeInMillis: () => 60_000 },
    shutdown: new Shutdown(() => undefined),
    log: { ...silentLog, error: (_, fields) => void logged.push(fields ?? {}) },
    inFlight: () => inFlight,
    waiting: waitingOn({ now: () => now }, metrics),
    ...(keepsTimeouts === undefined ? {} : { keepsTimeouts }),
    handle: async () => {
      if (error !== undefined) throw error;
      return end;
    },
  });
  return answer.batchItemFailures.length === 0;
}

describe('a message that AWS failed', () => {
  it('is put back unchanged, with a delay, and acknowledged', async () => {
    expect(await handle(recordOf({ sentAt: now - 5_000 }), down)).toBe(true);
    const note = { times: 1, at: now, delaySeconds: 30, firstSentAt: now - 5_000 };
    expect(sent).toEqual([{ body: '{"any": "text"}', group: 'file', note }]);
    expect(counted).toBe(1);
  });

  it('waits longer each time, and keeps the time of its first sending', async () => {
    const note = { times: 3, at: now - 240_000, delaySeconds: 120, firstSentAt: 7 };
    expect(await handle(recordOf({ note, sentAt: now - 240_000 + 50 }), down)).toBe(true);
    expect(sent[0]?.note).toEqual({ times: 4, at: now, delaySeconds: 240, firstSentAt: 7 });
  });

  it('starts again if it was redriven since', async () => {
    const note = { times: 3, at: now - 900_000, delaySeconds: 120, firstSentAt: 7 };
    const redriven = recordOf({ note, sentAt: now - 1_000 });
    expect(waitedBefore(redriven)).toEqual({ times: 0, firstSentAt: now - 1_000 });
    await handle(redriven, down);
    expect(sent[0]?.note).toMatchObject({ times: 1, firstSentAt: now - 1_000 });
  });

  it('was sent first no later than it was sent itself, whatever the note beside it says', () => {
    const note = { times: 1, at: now, delaySeconds: 30, firstSentAt: Number.MAX_SAFE_INTEGER };
    expect(waitedBefore(recordOf({ note, sentAt: now + 50 }))).toEqual({ times: 1, firstSentAt: now + 50 });
  });

  it.each([{ times: 'many' }, 'no note', 17])('reads %j beside it as no note', async (note) => {
    expect(await handle(recordOf({ note }), down)).toBe(true);
    expect(sent[0]?.note.times).toBe(1);
  });

  it.each([
    ['is down', down, 399, 400],
    ['refuses', denied, 29, 30],
  ])('has receives that count again after a long time in which AWS %s', async (_, error, before, last) => {
    const noteOf = (times: number) => ({ times, at: now - 900_000, delaySeconds: 900, firstSentAt: 7 });
    const sentAt = now - 900_000 + 50;
    expect(await handle(recordOf({ note: noteOf(before), sentAt }), error)).toBe(true);
    expect(await handle(recordOf({ note: noteOf(last), sentAt }), error)).toBe(false);
    expect(sent).toHaveLength(1);
  });

  it('returns after its visibility if it can not be put back, later with each receive', async () => {
    inFlight.putBack = () => Promise.reject(down);
    for (const receives of [1, 2, 3, 4, 5, 9]) expect(await handle(recordOf({ receives }), down)).toBe(false);
    expect(visibilities.filter((seconds) => seconds !== 125)).toEqual([30, 60, 120, 240, 480, 900]);
    expect(counted).toBe(0);
  });

  it('is put back even if its visibility could not be changed', async () => {
    inFlight.changeVisibility = () => Promise.reject(down);
    expect(await handle(recordOf())).toBe(true);
    expect(sent).toHaveLength(1);
  });
});

it('a message that may keep its queue’s timeout costs no request until it goes back', async () => {
  expect(await handle(recordOf(), undefined, undefined, true)).toBe(true);
  expect(visibilities).toEqual([]);
  expect(await handle(recordOf(), undefined, { backAfterSeconds: 12 }, true)).toBe(false);
  expect(await handle(recordOf(), new TypeError('a bug'), undefined, true)).toBe(false);
  expect(visibilities).toEqual([12, 30]);
});

it('a message that fails by a defect keeps its receives, on the way to its DLQ', async () => {
  expect(await handle(recordOf({ receives: 4 }), new TypeError('a bug'))).toBe(false);
  expect(visibilities).toEqual([125, 30]);
  expect(sent).toEqual([]);
});

describe('a message that is handled', () => {
  it('is hidden for as long as its function may run and any lease may last, and is then deleted', async () => {
    expect(await handle(recordOf())).toBe(true);
    expect(visibilities).toEqual([125]);
  });

  it('is returned to its queue without a failure, visible when it is due', async () => {
    expect(await handle(recordOf(), undefined, { backAfterSeconds: 20 })).toBe(false);
    expect(visibilities).toEqual([125, 20]);
    expect(logged).toEqual([]);
  });

  it('is not handled if it can not be hidden: another function may receive it meanwhile', async () => {
    inFlight.changeVisibility = () => Promise.reject(new TypeError('a bug'));
    expect(await handle(recordOf())).toBe(false);
    expect(logged).toHaveLength(1);
  });
});

it('hides a message for as long as is left of the time of its function', async () => {
  const handled: string[] = [];
  const records = ['one', 'two', 'three'].map((messageId) => ({ ...recordOf(), messageId, receiptHandle: messageId }));
  const visible = new Map<string, number[]>();
  inFlight.changeVisibility = async (receipt, seconds) => {
    visible.set(receipt, [...(visible.get(receipt) ?? []), seconds]);
  };
  const answer = await handleEach({
    event: { Records: records } satisfies SQSEvent,
    context: { getRemainingTimeInMillis: () => 10_000 },
    shutdown: new Shutdown(() => undefined),
    log: silentLog,
    inFlight: () => inFlight,
    waiting: waitingOn({ now: () => now }),
    handle: async ({ messageId }) => {
      handled.push(messageId);
      if (messageId === 'two') throw new TypeError('a bug');
      return messageId === 'three' ? { backAfterSeconds: 0 } : undefined;
    },
  });
  expect(handled).toEqual(['one', 'two', 'three']);
  // Each message has its own result: one that fails affects no other.
  expect(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['two', 'three']);
  expect([...visible]).toEqual([
    ['one', [75]],
    ['two', [75, 30]],
    ['three', [75, 0]],
  ]);
});

describe('the log of a failed message', () => {
  const fileId = 'traffic.0123456789abcdef01234567';
  it.each([
    ['a batch', { kind: 'slice', fileId }, fileId],
    ['a letter', { kind: 'letter', file_id: fileId }, fileId],
    ['a batch of an earlier version', { fileId: '0123456789abcdef01234567' }, '0123456789abcdef01234567'],
    ['text that is not a file id', { fileId: 'Müller, Anna' }, undefined],
    ['an event', { Records: [] }, undefined],
  ])('names the file of %s', async (_, body, expected) => {
    await handle(recordOf({ body: JSON.stringify(body) }), new TypeError('a bug'));
    expect(logged).toMatchObject([{ message_id: 'm', receive_count: 1 }]);
    expect(logged[0]?.['correlation_id']).toBe(expected);
  });

  it('names no file if the body is not JSON', async () => {
    await handle(recordOf({ body: `{"fileId":"${fileId}"` }), new TypeError('a bug'));
    expect(logged[0]?.['correlation_id']).toBeUndefined();
  });
});

it('delays double up to the longest, with up to a quarter more at random', () => {
  const times = { firstSeconds: 30, longestSeconds: 900 };
  const each = (random: number) => [0, 1, 2, 3, 4, 5, 6, 400].map((before) => delaySeconds(before, times, random));
  expect(each(0)).toEqual([30, 60, 120, 240, 480, 720, 720, 720]);
  expect(each(1)).toEqual([38, 75, 150, 300, 600, 900, 900, 900]);
});
