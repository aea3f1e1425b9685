import * as z from 'zod';
import type { SourceObject } from './core/account/file-account.ts';
import { refuseNewer } from './core/account/schema-version.ts';
import type { ContinueMessage, ReemitMessage } from './messages.ts';
import { continueMessage, reemitMessage } from './messages.ts';

/** The parts of S3's event message that are needed (event structure 2.x). */
const s3Event = z.object({
  Records: z.array(
    z.object({
      eventName: z.string(),
      s3: z.object({
        bucket: z.object({ name: z.string() }),
        object: z.object({
          key: z.string(),
          size: z.number().optional(),
          eTag: z.string().optional(),
          versionId: z.string().optional(),
          sequencer: z.string().optional(),
        }),
      }),
    }),
  ),
});

/** An announcement like S3's own, for the splitter to handle like any other. */
export function announcementOf({ bucket, key, versionId, etag, sizeBytes }: SourceObject): object {
  const object = { key: encodeURIComponent(key), size: sizeBytes, eTag: etag, ...(versionId ? { versionId } : {}) };
  return { Records: [{ eventName: 'ObjectCreated:Swept', s3: { bucket: { name: bucket }, object } }] };
}

const ownMessage = z.discriminatedUnion('kind', [continueMessage, reemitMessage]);

/** What S3 sends once when a notification is set up. */
const testEvent = z.object({ Event: z.literal('s3:TestEvent') });

export type IntakeMessage =
  { kind: 'dropped'; sources: SourceObject[] } | { kind: 'test' } | ContinueMessage | ReemitMessage;

/** @throws if the message does not belong in the intake queue, or is of a later version */
export function parseIntakeMessage(body: unknown): IntakeMessage {
  if (testEvent.safeParse(body).success) return { kind: 'test' };
  refuseNewer('message', body);
  const own = ownMessage.safeParse(body);
  if (own.success) return own.data;
  const event = s3Event.safeParse(body);
  if (!event.success) throw new Error('Neither an S3 event nor a message of the splitter.', { cause: event.error });
  const created = event.data.Records.filter((record) => record.eventName.includes('ObjectCreated'));
  return { kind: 'dropped', sources: created.map((record) => sourceOf(record.s3)) };
}

function sourceOf(s3: z.infer<typeof s3Event>['Records'][number]['s3']): SourceObject {
  const { bucket, object } = s3;
  const etag = object.eTag ?? '';
  const hasVersion = object.versionId !== undefined && object.versionId !== 'null';
  return {
    bucket: bucket.name,
    // S3 form-encodes the key: a space is a plus sign.
    key: decodeURIComponent(object.key.replaceAll('+', ' ')),
    ...(hasVersion ? { versionId: object.versionId as string } : {}),
    ...(object.sequencer === undefined ? {} : { sequencer: object.sequencer }),
    // Events contain the ETag without quotes, headers have it in quotes.
    etag: etag === '' || etag.startsWith('"') ? etag : `"${etag}"`,
    sizeBytes: object.size ?? -1,
  };
}

/** Has a splitter go on with a file. */
export function continueMessageOf({ feed, fileId }: { feed: string; fileId: string }): ContinueMessage {
  return { v: 1, kind: 'continue', feed, fileId };
}

/** Has a splitter send the batches of a file again that are not settled. */
export function reemitMessageOf({ feed, fileId }: { feed: string; fileId: string }): ReemitMessage {
  return { v: 1, kind: 'reemit', feed, fileId };
}
