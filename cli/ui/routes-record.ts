import { z } from 'zod';
import { feedNamed } from '../../feeds/index.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { withWholePayload } from '../../lambdas/dead-letters/whole-payload.ts';
import { findReceipt } from '../dlq/find-receipt.ts';
import { chooseDead } from '../dlq/resolve-by-hand.ts';
import { resolveToEnd } from '../dlq/resolve-to-end.ts';
import { whoDecides } from '../operate/who.ts';
import type { Claim } from '../reingest/claims.ts';
import type { CorrectionPlan } from '../reingest/plan-corrections.ts';
import { planCorrections } from '../reingest/plan-corrections.ts';
import { formatAmendments } from '../show/redrive-result.ts';
import { answerJson } from './answer.ts';
import type { RowCheck } from './correction-preview.ts';
import type { DeadIndex } from './dead-index.ts';
import { describeRecordPage, isFailure } from './record-page.ts';
import type { RoomPorts } from './room-ports.ts';
import type { RoomStack } from './room-stack.ts';
import type { Routes } from './route.ts';
import { readWish, RouteRefusal } from './route.ts';
import { fileNamed } from './routes-files.ts';
import { sendInBackground } from './send-in-background.ts';

const place = { file: z.string(), record: z.int().positive() };
const cellsWish = z.strictObject({ ...place, cells: z.record(z.string(), z.string()) });
const correctWish = cellsWish.extend({ why: z.string(), as_new: z.literal(true).optional() });
const resolveWish = z.strictObject({ ...place, why: z.string() });

/** A record's page, and what can be done about the record. */
export function recordRoutes(ports: RoomPorts, index: DeadIndex): Routes {
  return {
    '/api/record': {
      method: 'GET',
      run: async ({ response, query }) => {
        const record = Number(query.get('record'));
        if (!Number.isInteger(record) || record < 1) throw new RouteRefusal(400, 'A record is named by its number.');
        const stack = await ports.stack();
        const file = await fileNamed(stack, query.get('file'));
        const receipt = await wholeReceipt(stack, file, record);
        const dead = await stack.ledger.getDead(file.fileId, record);
        if (!receipt && !dead)
          throw new RouteRefusal(404, `The file has no result of record ${record} yet, or no such record.`);
        answerJson(response, 200, describeRecordPage(file, record, receipt, dead));
      },
    },
    '/api/record/check': {
      method: 'POST',
      run: async ({ request, response }) => {
        const wish = await readWish(request, cellsWish, rowExpected);
        const { corrections } = await planRow(await ports.stack(), wish);
        const [planned] = corrections;
        const check: RowCheck = {
          changes: (planned?.changes ?? []).map((change) => ({ ...change, before: change.before ?? null })),
          fault: planned?.fault ?? null,
        };
        answerJson(response, 200, check);
      },
    },
    '/api/record/correct': {
      method: 'POST',
      run: async ({ request, response }) => {
        const wish = await readWish(request, correctWish, 'It must name a record, have its fields and say why.');
        const who = whoDecides({ by: ports.by, why: wish.why }, 'what was corrected');
        const stack = await ports.stack();
        const { corrections } = await planRow(stack, wish, wish.as_new);
        const [planned] = corrections;
        if (!planned) throw new RouteRefusal(409, 'Nothing was sent: the row is as it was.');
        if (planned.fault !== undefined)
          throw new RouteRefusal(409, `Nothing was sent: it would be rejected again. ${planned.fault}.`);
        const what = `record ${wish.record} of ${wish.file}`;
        answerJson(response, 202, sendInBackground(corrections, { what, who }, stack, ports, index));
      },
    },
    '/api/record/resolve': {
      method: 'POST',
      run: async ({ request, response }) => {
        const { record, ...wish } = await readWish(request, resolveWish, 'It must name a record and say why.');
        const who = whoDecides({ by: ports.by, why: wish.why }, 'what was done about it');
        const stack = await ports.stack();
        const file = await fileNamed(stack, wish.file);
        const records = await chooseDead(file, { records: [record] }, stack.ledger);
        const subject = { kind: 'resolution', feed: file.feed, what: `record ${record} of ${file.fileId}` } as const;
        const started = ports.jobs.start(subject, async (say, signal) => {
          const terminal = { progress: (_: string, text: string) => say(text) };
          const end = await resolveToEnd(file, records, who, { ...stack, clock: ports.clock, terminal }, signal);
          index.forget();
          return `Marked as handled by ${who.by}: ${who.why}\n${formatAmendments(end.amendments)}`.trim();
        });
        if (started.kind === 'started') answerJson(response, 202, started.job);
      },
    },
  };
}

const rowExpected = 'It must name a record and have its fields.';

async function wholeReceipt(stack: RoomStack, file: FileAccount, record: number) {
  const receipt = await findReceipt(file, record, stack);
  return receipt && isFailure(receipt) ? withWholePayload(file, receipt, stack.payloads) : receipt;
}

/** The row as `dlq reingest` would plan it, without reading the file's other letters. */
async function planRow(stack: RoomStack, wish: z.infer<typeof cellsWish>, asNew?: true): Promise<CorrectionPlan> {
  const file = await fileNamed(stack, wish.file);
  const receipt = await wholeReceipt(stack, file, wish.record);
  const dead = await stack.ledger.getDead(file.fileId, wish.record);
  if (!receipt || !isFailure(receipt)) throw new RouteRefusal(409, 'It is not a dead letter.');
  if (dead?.state === 'resolved') throw new RouteRefusal(409, 'It is resolved already: reload the page.');
  const claim: Claim = {
    line: 1,
    fileId: file.fileId,
    record: wish.record,
    sha256: receipt.sha256,
    checksum: undefined,
    hasRaw: undefined,
    cells: new Map(Object.entries(wish.cells)),
  };
  const readDead = async function* () {
    yield { file, receipt, dead };
  };
  const planPorts = { ledger: stack.ledger, readDead, feedNamed };
  return planCorrections(new Map([[file.fileId, [claim]]]), undefined, planPorts, asNew);
}
