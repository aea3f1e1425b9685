import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { feedNamed } from '../../feeds/index.ts';
import { readDeadRecords } from '../../lambdas/dead-letters/read-dead-records.ts';
import { whoDecides } from '../operate/who.ts';
import { claimsOf, tyingColumns } from '../reingest/claims.ts';
import { parseCsv } from '../reingest/parse-csv.ts';
import type { CorrectionPlan } from '../reingest/plan-corrections.ts';
import { planCorrections } from '../reingest/plan-corrections.ts';
import { summariseChanges } from '../reingest/summarise-changes.ts';
import { formatCountOf } from '../terminal/format.ts';
import { answerJson, readBody } from './answer.ts';
import type { ImportPreview } from './correction-preview.ts';
import type { DeadIndex } from './dead-index.ts';
import type { RoomPorts } from './room-ports.ts';
import type { Routes } from './route.ts';
import { readWish, RouteRefusal } from './route.ts';
import { sendInBackground } from './send-in-background.ts';

/** A feed's list of 100,000 letters has some 30 MB. Bytes. */
const maxCsvBytes = 128 * 1024 * 1024;
const shownFaults = 20;
/** Plans that wait for a yes; the oldest is dropped. */
const keptPlans = 3;

const sendWish = z.strictObject({ id: z.string(), why: z.string() });

/** A corrected CSV: first what it would change, then, if that is meant, it is sent. */
export function importRoutes(ports: RoomPorts, index: DeadIndex): Routes {
  const plans = new Map<string, CorrectionPlan>();
  return {
    '/api/import': {
      method: 'POST',
      type: 'text/csv',
      run: async ({ request, response }) => {
        const csv = await readBody(request, maxCsvBytes);
        if (!csv) throw new RouteRefusal(413, 'The CSV is too long for the control room: use `dlq reingest`.');
        const claims = claimsOf(parseCsv(csv, tyingColumns));
        const stack = await ports.stack();
        const readDead = (file: Parameters<typeof readDeadRecords>[0]) => readDeadRecords(file, stack);
        const plan = await planCorrections(claims, undefined, { ledger: stack.ledger, readDead, feedNamed });
        const id = randomUUID();
        plans.set(id, plan);
        for (const oldest of [...plans.keys()].slice(0, -keptPlans)) plans.delete(oldest);
        answerJson(response, 200, previewOf(id, plan));
      },
    },
    '/api/import/send': {
      method: 'POST',
      run: async ({ request, response }) => {
        const { id, why } = await readWish(request, sendWish, 'It must name a plan and say why.');
        const plan = plans.get(id);
        if (!plan) throw new RouteRefusal(409, 'Nothing was sent: choose the CSV again, and look at its changes.');
        const who = whoDecides({ by: ports.by, why }, 'what was corrected');
        plans.delete(id);
        const what = `${formatCountOf(plan.corrections.length, 'row')} of a corrected CSV`;
        answerJson(response, 202, sendInBackground(plan.corrections, { what, who }, await ports.stack(), ports, index));
      },
    },
  };
}

function previewOf(id: string, plan: CorrectionPlan): ImportPreview {
  const { corrections, unchanged, resolved, ignored } = plan;
  const faulty = corrections.filter(({ fault }) => fault !== undefined);
  return {
    id,
    changed: corrections.length,
    files: new Set(corrections.map(({ file }) => file.fileId)).size,
    unchanged,
    resolved,
    ignored,
    columns: summariseChanges(plan).map(({ column, rows, isSuspicious, example }) => ({
      ...{ column, rows, is_suspicious: isSuspicious, before: example.before ?? null, after: example.after },
    })),
    faulty: faulty.length,
    faults: faulty
      .slice(0, shownFaults)
      .map(({ line, file, record, fault = '' }) => ({ line, file_id: file.fileId, record, fault })),
  };
}
