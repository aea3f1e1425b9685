import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { describeDead } from '../../cli/dlq/describe-dead.ts';
import { formatDeadRecord } from '../../cli/show/dead-record.ts';
import { tallyOf } from '../../cli/dlq/group-by-reason.ts';
import { formatDeadEntries } from '../../cli/show/dlq-table.ts';
import { deliverBatch } from '../../lambdas/consumer/deliver-batch.ts';
import { handleLetter } from '../../lambdas/consumer/retry-letter.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Receipt } from '../../lambdas/core/account/receipt.ts';
import { receipt as receiptSchema } from '../../lambdas/core/account/receipt.ts';
import { failureText } from '../../lambdas/core/answers/failure-text.ts';
import { csvHeader, csvRow } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import { failuresSection, lettersSection } from '../../lambdas/core/report/failures-section.ts';
import { ReportFacts } from '../../lambdas/core/report/report-facts.ts';
import type { Letter } from '../../lambdas/messages.ts';
import type { SinkAnswer } from '../../lambdas/ports.ts';
import { describeSurvey } from '../../lambdas/reconciler/describe-survey.ts';
import { surveyDead } from '../../lambdas/reconciler/survey-dead.ts';
import { deadFeed, jsonLines } from '../support/dead-feed.ts';
import { fixtureOf, putSplitFile, rowOf } from '../support/feed-fixture.ts';
import type { ConsumerWorld } from '../support/in-memory-ports.ts';
import { consumerWorld } from '../support/in-memory-ports.ts';
import { manifestOf } from '../support/report-facts.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

/**
 * The sentence that the desk needs most is why the API refused a record. It must be wherever the desk looks, from the
 * first failure on.
 */
const answer = 'no contract with client 4711';
const sentence = `the API refused the record with 422; the API answered: ${answer}`;
const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };
const painter = { style: (_: unknown, text: string) => text };

let clock: SimulatedClock;
let world: ConsumerWorld;
let file: FileAccount;
let letter: Letter;
let receipt: Receipt;

async function deliverOne(fault: SinkAnswer): Promise<void> {
  clock = new SimulatedClock();
  const fixture = fixtureOf([rowOf(1)]);
  world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  world.api.fault = () => fault;
  await clock.run(deliverBatch(fixture.message, world.ports, deadline));
  [letter] = world.letters as [Letter];
  file = (await world.ledger.getFile(letter.file_id)) as FileAccount;
  [receipt] = receiptsIn(world.receipts);
}

function receiptsIn(objects: ReadonlyMap<string, Buffer>): [Receipt] {
  const [gzip = Buffer.alloc(0)] = objects.values();
  return [receiptSchema.parse(JSON.parse(gunzipSync(gzip).toString()))];
}

const receive = (sentAt: number) =>
  clock.run(
    handleLetter(
      letter,
      { id: 'm1', sentAt, receives: 1 },
      { ...world.ports, inTurn: (work: () => Promise<unknown>) => work() as never },
      deadline,
    ),
  );
const deadRecord = async () => (await world.ledger.getDead(letter.file_id, 1)) ?? expect.fail('not dead');

describe('the API’s answer to a record that it refused', () => {
  beforeEach(() => deliverOne({ kind: 'refused', status: 422, answer }));

  it('is in the letter, the receipt and the ledger', async () => {
    await receive(100);
    expect(letter.api_answer).toBe(answer);
    expect(receipt.api_answer).toBe(answer);
    expect((await deadRecord()).history).toMatchObject([{ reason: 'http_422', status: 422, answer }]);
  });

  it('is in `dlq list` and `dlq show` before and after its batch is settled', async () => {
    await receive(100);
    const dead = await deadRecord();
    for (const known of [undefined, receipt]) {
      const described = describeDead(file, 1, known, dead);
      expect(described).toMatchObject({ api_answer: answer, history: [{ api_answer: answer }] });
      expect(formatDeadRecord(described, painter, 200)).toContain(answer);
      const listed = { kind: 'letter' as const, queue: 'letters' as const, ...described };
      expect(formatDeadEntries('Open', 'dead letter', tallyOf([listed]), painter, 200)).toContain(sentence);
    }
    expect(describeDead(file, 1, receipt, undefined)).toMatchObject({ api_answer: answer });
  });

  it('is in the desk’s CSV, also if its letter was never received', async () => {
    const cellOf = (line: string) => line.split(',')[csvHeader([]).slice(1).split(',').indexOf('sluice_api_answer')];
    expect(cellOf(csvRow({ file, receipt, dead: undefined }, []))).toBe(answer);
    await receive(100);
    expect(cellOf(csvRow({ file, receipt, dead: await deadRecord() }, []))).toBe(answer);
  });

  it('is in the report, in the examples and in the table', () => {
    const facts = new ReportFacts();
    facts.addFailed(receipt, undefined);
    expect(failuresSection(facts)?.markup).toContain(sentence);
    expect(lettersSection(facts, manifestOf())?.markup).toContain(sentence);
  });

  it('is in the mail to the desk', async () => {
    const refused = {
      outcome: 'refused' as const,
      reason: 'http_422',
      error: receipt.error ?? '',
      raw_payload: '{}',
      api_answer: answer,
    };
    const feed = deadFeed([{ fileId: 'f'.repeat(24), dialect: jsonLines, records: 2, record: () => refused }]);
    const survey = await surveyDead('traffic', feed);
    const news = { feed: 'traffic', stackName: 's', work: [], before: undefined, archiveBucket: 'a', csvKey: null };
    expect(describeSurvey({ ...news, survey }).text).toContain(`2  http_422: ${sentence}`);
  });

  it('is that of the last try after a redrive', async () => {
    await receive(100);
    world.api.fault = () => ({ kind: 'refused', status: 409, answer: 'conflict with spot 9' });
    await receive(200);
    const described = describeDead(file, 1, receipt, await deadRecord());
    expect(described).toMatchObject({
      http_status: 409,
      api_answer: 'conflict with spot 9',
      history: [{ api_answer: answer }, { api_answer: 'conflict with spot 9' }],
    });
  });
});

it('is also kept for a record on which the API failed', async () => {
  const broken: SinkAnswer = { kind: 'failed', status: 500, reason: 'http_500', ambiguous: false, answer: 'disk full' };
  await deliverOne({ kind: 'refused', status: 422, answer });
  await receive(100);
  world.api.fault = () => broken;
  await receive(200);
  expect((await deadRecord()).history.at(-1)).toMatchObject({ outcome: 'exhausted', answer: 'disk full' });
});

it.each([
  [{ error: 'e', answer: null }, 'e'],
  [{ error: 'e', answer: 'a' }, 'e; the API answered: a'],
  // As an earlier version wrote it, and as a conflict has it.
  [{ error: 'refused with 422: no such row', answer: 'no such row' }, 'refused with 422: no such row'],
  [{ error: '', answer: 'a' }, 'the API answered: a'],
])('is stated once: %j', (failure, text) => {
  expect(failureText(failure)).toBe(text);
});
