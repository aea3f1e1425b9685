import type { Buffer } from 'node:buffer';
import { ContradictionError } from '../errors.ts';
import type { MemberPlace } from './bundle.ts';
import { readMember } from './bundle.ts';
import type { Found, RecordScanner } from './record-scanner.ts';

/** The members of a bundle, each with its header line. None is over the limit: the bundle's writer ensures that. */
export class BundleScanner implements RecordScanner {
  start = 0;
  end = 0;
  next = 0;
  readonly linesBefore = 0;
  readonly headersBefore = 0;
  readonly linesBeforeHeader = 0;
  readonly otherHeader = undefined;
  /** A member's record is on the first line of its file. */
  readonly lines = 0;
  /** The member that was found last. */
  member: MemberPlace | undefined;

  find(bytes: Buffer, from: number, atEnd: boolean): Found {
    this.start = from;
    if (from >= bytes.length) return atEnd ? 'end' : 'more';
    this.member = readMember(bytes, from);
    const end = this.member?.to ?? Infinity;
    // With the line feed after it, which is only missing at a slice's end.
    if (end < bytes.length || (atEnd && end === bytes.length)) {
      this.end = end;
      this.next = Math.min(end + 1, bytes.length);
      return 'record';
    }
    if (atEnd) throw new ContradictionError('The bundle is damaged: it ends within a member.');
    return 'more';
  }

  skim(): number {
    return 0;
  }

  pass(): boolean {
    return true;
  }

  endWarning(): null {
    return null;
  }
}
