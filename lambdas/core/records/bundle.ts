import { Buffer } from 'node:buffer';
import * as z from 'zod';
import { ContradictionError } from '../errors.ts';
import { lineFeed } from './ascii.ts';

/**
 * A bundle holds small files of one record each as one file: for each, a line of JSON that describes it, then its
 * original bytes, then a line feed. It is cut, sent, accounted for and archived like any other file.
 */

/** Far fewer would share too little of what a bundle costs; far more would wait for each other. */
export const maxMembers = 2000;

/** Of all members' bytes: the splitter has them in memory, and once more as the bundle. */
export const maxBundleBytes = 128 * 1024 * 1024;

/** The object that a bundle's record came from. */
export interface MemberSource {
  bucket: string;
  key: string;
  versionId?: string;
}

/** Why an announced file could not be read. */
export const memberFaults = ['source_gone', 'source_replaced'] as const;
export type MemberFault = (typeof memberFaults)[number];

export interface Member {
  source: MemberSource & { etag: string };
  bytes: Buffer;
  fault?: MemberFault;
}

const header = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  version_id: z.string().optional(),
  etag: z.string(),
  bytes: z.int().nonnegative(),
  fault: z.enum(memberFaults).optional(),
});

export function writeBundle(members: readonly Member[]): Buffer {
  return Buffer.concat(members.flatMap((member) => [memberHeader(member), member.bytes, Buffer.from('\n')]));
}

/** A member's overhead in a bundle, in bytes. */
export function headerBytes(member: Member): number {
  return memberHeader(member).length;
}

function memberHeader({ source, bytes, fault }: Member): Buffer {
  const { bucket, key, versionId, etag } = source;
  const facts: z.input<typeof header> = {
    bucket,
    key,
    ...(versionId === undefined ? {} : { version_id: versionId }),
    etag,
    bytes: bytes.length,
    ...(fault === undefined ? {} : { fault }),
  };
  return Buffer.from(`${JSON.stringify(facts)}\n`);
}

export interface MemberPlace {
  source: MemberSource;
  fault: MemberFault | undefined;
  /** The file's first byte, and the position after its last byte. */
  from: number;
  to: number;
}

/**
 * The member whose line begins there; undefined if that needs more bytes. @throws ContradictionError if no member begins
 * there
 */
export function readMember(bytes: Buffer, at: number): MemberPlace | undefined {
  const lineEnd = bytes.indexOf(lineFeed, at);
  if (lineEnd === -1) return undefined;
  const facts = header.safeParse(parsed(bytes.toString('utf8', at, lineEnd)));
  if (!facts.success) throw new ContradictionError('The bundle is damaged: a member has no header line.');
  const { bucket, key, version_id: versionId, bytes: length, fault } = facts.data;
  const from = lineEnd + 1;
  const source = { bucket, key, ...(versionId === undefined ? {} : { versionId }) };
  return { source, fault, from, to: from + length };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
