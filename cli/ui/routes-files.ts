import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { archiveKeysOf } from '../../lambdas/core/account/archive-keys.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { waitingPlaceText } from '../../lambdas/core/account/waiting-place.ts';
import { changeKinds, findChanges } from '../archive/find-changes.ts';
import { releaseOptions } from '../operate/release-options.ts';
import { answerJson, beginDownload, beginSandboxedPage } from './answer.ts';
import { changesPage } from './changes-page.ts';
import { closedPage } from './closed-page.ts';
import { documentKinds, documents } from './documents.ts';
import { describeFilePage } from './file-page.ts';
import type { RoomPorts } from './room-ports.ts';
import type { RoomStack } from './room-stack.ts';
import type { Exchange, Routes } from './route.ts';
import { RouteRefusal } from './route.ts';

const closedWish = z.strictObject({
  feed: z.string().max(100).optional(),
  text: z.string().max(200).optional(),
  state: z.string().max(40).optional(),
  /** The last file of the page before: `<milliseconds>:<file id>`. */
  before: z
    .string()
    .regex(/^\d{1,15}:[\w.-]{1,200}$/)
    .optional(),
});

const changesWish = z.strictObject({
  file: z.string(),
  only: z.enum(changeKinds).optional(),
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  size: z.coerce.number().int().min(1).max(100).default(50),
});

const documentWish = z.strictObject({
  file: z.string(),
  kind: z.enum(documentKinds),
  /** Of an earlier manifest. */
  number: z.coerce.number().int().positive().optional(),
  /** Set to have the report shown instead of saved. */
  show: z.literal('1').optional(),
});

/** A file's page, its documents, and the list of closed files. */
export function fileRoutes(ports: RoomPorts): Routes {
  return {
    '/api/file': {
      method: 'GET',
      run: async ({ response, query }) => {
        const stack = await ports.stack();
        const file = await fileNamed(stack, query.get('id'));
        const manifest = file.manifest && (await stack.readSummary(file));
        const { snapshot } = await ports.sight();
        const live = snapshot?.files.find(({ file_id: id }) => id === file.fileId);
        const now = ports.clock.now();
        const release = await releaseOptions(file, stack, now);
        answerJson(response, 200, describeFilePage(file, { manifest, live, release, now }));
      },
    },
    '/api/files': {
      method: 'GET',
      run: async ({ response, query }) => {
        const wish = closedWish.safeParse(Object.fromEntries(query));
        if (!wish.success) throw new RouteRefusal(400, 'It may name a feed, a state, a text, and where to continue.');
        const feeds = await ports.feeds();
        const { feed } = wish.data;
        if (feed !== undefined && !feeds.includes(feed)) throw new RouteRefusal(404, 'There is no such feed.');
        const named = feed === undefined ? feeds : [feed];
        answerJson(response, 200, await closedPage(wish.data, named, await ports.stack()));
      },
    },
    '/api/changes': {
      method: 'GET',
      run: async ({ response, query }) => {
        const wish = changesWish.safeParse(Object.fromEntries(query));
        if (!wish.success) throw new RouteRefusal(400, 'It must name a file, and may name a kind and a page.');
        const stack = await ports.stack();
        const file = await fileNamed(stack, wish.data.file);
        const rows = await findChanges(file, stack.archive);
        if (!rows) throw new RouteRefusal(404, 'There is no list of what this file changes.');
        answerJson(response, 200, await changesPage(file, rows, wish.data));
      },
    },
    '/api/document': { method: 'GET', run: async (exchange) => sendDocument(await ports.stack(), exchange) },
  };
}

/** @throws RouteRefusal if the ledger has no such file, or a small file whose bundle is not open */
export async function fileNamed({ ledger }: RoomStack, id: string | null): Promise<FileAccount> {
  const found = id === null || id === '' ? undefined : await ledger.getFile(id);
  // A small file is accounted for by the bundle it was put into.
  const file = found?.bundleId === undefined ? found : await ledger.getFile(found.bundleId);
  if (!file) throw new RouteRefusal(404, found ? waitingPlaceText(found) : 'The ledger has no such file.');
  return file;
}

async function sendDocument(stack: RoomStack, { response, query }: Exchange): Promise<void> {
  const wish = documentWish.safeParse(Object.fromEntries(query));
  if (!wish.success) throw new RouteRefusal(400, 'It must name a file and a document.');
  const { kind, number, show } = wish.data;
  const file = await fileNamed(stack, wish.data.file);
  // A revision's list is there before its manifest.
  const list = kind === 'changes' ? file.revision?.comparison?.key : undefined;
  if (!file.manifest && list === undefined) throw new RouteRefusal(404, 'The file has no manifest yet.');
  const isOlder = number !== undefined && number < (file.manifest?.number ?? 0);
  if (isOlder && kind !== 'manifest') throw new RouteRefusal(404, 'Only manifests have numbers here.');
  const { keyOf, type, extension } = documents[kind];
  const key = isOlder ? archiveKeysOf(file).manifest(number) : (list ?? keyOf(await stack.readSummary(file)));
  const object = key ? await stack.archive.getStream(key) : undefined;
  if (!object) throw new RouteRefusal(404, 'The archive has no such document of this file.');
  if (kind === 'report' && show) beginSandboxedPage(response);
  else beginDownload(response, `${file.fileId}.${kind}${isOlder ? `.${number}` : ''}.${extension}`, type);
  await pipeline(object, response);
}
