import type { JsonLinesDialect } from './dialect.ts';
import type { Found } from './record-scanner.ts';
import { lineFeed } from './ascii.ts';
import { LineScanner } from './line-scanner.ts';

/** JSON Lines: each line that is not empty is a record. */
export class JsonLinesScanner extends LineScanner {
  constructor({ rules }: Pick<JsonLinesDialect, 'rules'>, maxRecordBytes: number) {
    super(maxRecordBytes, lineFeed, rules);
  }

  protected override plainTo(bytes: Buffer): number {
    return bytes.length;
  }

  protected override isPlain(): boolean {
    return true;
  }

  protected override extend(): Found {
    return 'record';
  }
}
