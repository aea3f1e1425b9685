import { Buffer } from 'node:buffer';
import * as z from 'zod';
import { ContradictionError } from '../errors.ts';

/**
 * A bundle holds small files of one record each as one file: of each a line of JSON that says what it is, then its bytes
 * as they were, then a line feed. It is cut, sent, accounted for and archived as any other file is.
 */

/** A bundle's account and its members' places in it are written at once, and DynamoDB takes 100 items at once. */
export const maxMembers = 99;

/** The object that a record of a bundle was. */
export interface MemberSource {
  bucket: string;
  key: string;
  versionId?: string;
}

/** Why a file that was announced could not be read. */
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

const lineFeed = 10;

export function writeBundle(members: readonly Member[]): Buffer {
  return Buffer.concat(members.flatMap((member) => [memberHeader(member), member.bytes, Buffer.from('\n')]));
}

/** What a member takes in a bundle beside its bytes. */
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
  /** The first byte of the file itself, and the one after its last. */
  from: number;
  to: number;
}

/** The member whose line begins there; undefined where that takes more bytes. @throws ContradictionError where none does */
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
