import type { SourceObject } from '../account/file-account.ts';

/** A control file that came after its file was compared with another one, or was sent: it is reported, and changes nothing. */
export interface LateControl {
  fileId: string;
  /** The file's and the control file's keys, without their lanes' prefixes. */
  fileName: string;
  name: string;
  control: SourceObject;
  /** When S3 stored it. Milliseconds since 1970. */
  at: number;
  /** Another version of it was compared, or none was. */
  isChange: boolean;
}
