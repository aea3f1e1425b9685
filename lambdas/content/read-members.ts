import { Buffer } from 'node:buffer';
import type { Feed } from '../../feeds/feed.ts';
import { SourceChangedError } from '../core/errors.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import type { Member, MemberFault } from '../core/records/bundle.ts';
import { headerBytes } from '../core/records/bundle.ts';
import { utf16Of } from '../core/records/decode-utf16.ts';
import { detectDialect } from '../core/records/detect-dialect.ts';
import type { SourceObjects } from '../ports.ts';
import { atMost } from '../core/at-most.ts';
import { compressionOf } from './decompress.ts';

export type SmallFile = Member & { source: SourceObject };

/** `ordinary`: more than one record, or too large for a bundle. */
export type MemberReading =
  { kind: 'member'; file: SmallFile } | { kind: 'ordinary' } | { kind: 'unread'; error: unknown };

/** Concurrent reads: each waits for S3 most of the time. The client has 50 connections. */
const readsAtOnce = 48;

/** Reads small files whole, several concurrently. A file that can't be read is reported and does not affect the others. */
export async function readMembers(
  sources: readonly SourceObject[],
  ports: { sources: SourceObjects; feed: Feed },
): Promise<MemberReading[]> {
  return atMost(readsAtOnce, sources, (source) =>
    readMember(source, ports).catch((error: unknown) => ({ kind: 'unread' as const, error })),
  );
}

async function readMember(
  source: SourceObject,
  { sources, feed }: { sources: SourceObjects; feed: Feed },
): Promise<MemberReading> {
  const file = await readWhole(source, sources);
  if (file.fault === undefined && !isOneRecord(file.bytes, source.key, feed)) return { kind: 'ordinary' };
  // Its header line counts too: a member is sent as one record.
  if (headerBytes(file) + file.bytes.length > feed.maxRecordBytes) return { kind: 'ordinary' };
  return { kind: 'member', file };
}

async function readWhole(source: SourceObject, sources: SourceObjects): Promise<SmallFile> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of sources.read(source, 0)) chunks.push(chunk);
    return { source, bytes: Buffer.concat(chunks) };
  } catch (error) {
    if (!(error instanceof SourceChangedError)) throw error;
    const fault: MemberFault = (await sources.head(source)) ? 'source_replaced' : 'source_gone';
    return { source, bytes: Buffer.alloc(0), fault };
  }
}

/** Unreadable content counts as one record too: it will be rejected. */
function isOneRecord(bytes: Buffer, key: string, feed: Feed): boolean {
  if (compressionOf(bytes) || utf16Of(bytes)) return false;
  const found = detectDialect(bytes, true, { ...feed, key });
  if (found.kind !== 'dialect' || found.dialect.format === 'json-document') return true;
  return found.dialect.format === 'jsonl' && isOneLine(bytes);
}

function isOneLine(bytes: Buffer): boolean {
  const lines = bytes.toString('latin1').split('\n');
  return lines.filter((line) => line.trim() !== '').length <= 1;
}
