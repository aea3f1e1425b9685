import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { feedNamed } from '../../feeds/index.ts';
import { readDeadRecords } from '../../lambdas/dead-letters/read-dead-records.ts';
import { exportDead } from '../dlq/export-dead.ts';
import type { ListPorts } from '../dlq/list-dead.ts';
import type { Selection } from '../dlq/select-dead.ts';
import { recordKey } from '../dlq/select-dead.ts';
import { formatCountOf } from '../terminal/format.ts';
import { answerJson, beginDownload } from './answer.ts';
import type { DeadFilter, DeadIndex } from './dead-index.ts';
import { selectEntries } from './dead-index.ts';
import { listPage } from './dead-page.ts';
import type { RoomPorts } from './room-ports.ts';
import type { RoomStack } from './room-stack.ts';
import type { Routes } from './route.ts';
import { readWish, RouteRefusal } from './route.ts';

const words = z.string().max(200);
const filterWish = z.strictObject({
  feed: z.string(),
  reason: words.min(1).optional(),
  field: words.min(1).optional(),
  file: words.min(1).optional(),
  text: words.optional(),
});

/** The list of dead letters, and what can be done with a selection of them. */
export function deadRoutes(ports: RoomPorts, index: DeadIndex): Routes {
  const filterOf = async (given: unknown): Promise<DeadFilter> => {
    const wish = filterWish.safeParse(given);
    if (!wish.success)
      throw new RouteRefusal(400, 'It must name a feed, and may name a reason, a field, a file, a text.');
    const { file: fileId, ...filter } = wish.data;
    if (!(await ports.feeds()).includes(filter.feed)) throw new RouteRefusal(404, 'There is no such feed.');
    return { ...filter, fileId };
  };
  return {
    '/api/dead': {
      method: 'GET',
      run: async ({ response, query }) => {
        const { page = '1', ...given } = Object.fromEntries(query);
        const filter = await filterOf(given);
        const stack = await ports.stack();
        const found = await index.search(filter, listPortsOf(stack));
        answerJson(response, 200, listPage(found, filter, Number(page)));
      },
    },
    '/api/export': {
      method: 'GET',
      run: async ({ response, query }) => {
        const filter = await filterOf(Object.fromEntries(query));
        const stack = await ports.stack();
        const selection = await selectionOf(filter, stack, index);
        const lines = exportDead(selection, { ...listPortsOf(stack, 'whole'), feedNamed });
        beginDownload(response, `dead-letters-${filter.feed}.csv`);
        await pipeline(Readable.from(lines), response);
      },
    },
    '/api/redrive': {
      method: 'POST',
      run: async ({ request, response }) => {
        const filter = await filterOf(await readWish(request, z.unknown(), 'It must be JSON.'));
        const stack = await ports.stack();
        const selection = await selectionOf(filter, stack, index);
        const what = describeFilter(filter, selection);
        const started = ports.jobs.start({ kind: 'redrive', feed: filter.feed, what }, async (say, signal) => {
          const notes: string[] = [];
          const terminal = {
            progress: (_: string, text: string) => say(text),
            note: (text: string) => void notes.push(text),
          };
          try {
            return [(await stack.redrive(selection, terminal, signal)).trim(), ...notes].join('\n');
          } finally {
            index.forget();
          }
        });
        if (started.kind === 'busy') throw new RouteRefusal(409, `A redrive of ${filter.feed} is in progress already.`);
        answerJson(response, 202, started.job);
      },
    },
  };
}

/** @param content `whole`: all of each record, for what is exported; else those too long for their letters by their heads */
export function listPortsOf({ ledger, archive, receipts, payloads }: RoomStack, content?: 'whole'): ListPorts {
  const ports = { ledger, archive, receipts, ...(content === 'whole' ? { payloads } : {}) };
  return { ledger, readDead: (file) => readDeadRecords(file, ports) };
}

/** The letters that the list shows under this filter. What the command line can select too is left to it. */
async function selectionOf(filter: DeadFilter, stack: RoomStack, index: DeadIndex): Promise<Selection> {
  const { feed, reason, fileId, field, text = '' } = filter;
  if (field === undefined && text.trim() === '') return { feed, reason, fileId };
  const { entries, isPartial } = await index.search(filter, listPortsOf(stack));
  if (isPartial) throw new RouteRefusal(409, 'More letters match than the list holds: narrow the selection.');
  const records = selectEntries(entries, filter).map(({ file_id: id, record }) => recordKey(id, record));
  if (records.length === 0) throw new RouteRefusal(409, 'No dead letter matches any more: reload the list.');
  return { feed, reason, fileId, records: new Set(records) };
}

function describeFilter({ reason, field, fileId, text = '' }: DeadFilter, { records }: Selection): string {
  const parts = [
    reason ?? '',
    field === undefined ? '' : `field ${field}`,
    fileId === undefined ? '' : `file ${fileId}`,
    text.trim() === '' ? '' : `with “${text.trim()}”`,
  ].filter((part) => part !== '');
  const count = records ? `${formatCountOf(records.size, 'dead letter')}: ` : '';
  return parts.length === 0 ? 'all dead letters' : `${count}${parts.join(', ')}`;
}
