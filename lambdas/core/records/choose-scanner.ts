import { BundleScanner } from './bundle-scanner.ts';
import { CsvScanner } from './csv-scanner.ts';
import type { CutLimits, Dialect } from './dialect.ts';
import { DocumentScanner } from './document-scanner.ts';
import { JsonArrayScanner } from './json-array-scanner.ts';
import { JsonLinesScanner } from './json-lines-scanner.ts';
import type { RecordScanner } from './record-scanner.ts';

/** @param isSlice the bytes are those of a batch, not of a file */
export function scannerOf(dialect: Dialect, limits: CutLimits, isSlice = false): RecordScanner {
  const { maxRecordBytes } = limits;
  switch (dialect.format) {
    case 'csv':
      return new CsvScanner(dialect, maxRecordBytes);
    case 'jsonl':
      return new JsonLinesScanner(dialect, maxRecordBytes);
    case 'json-array':
      return new JsonArrayScanner(dialect, maxRecordBytes, isSlice);
    case 'json-document':
      return new DocumentScanner(maxRecordBytes);
    case 'bundle':
      return new BundleScanner();
  }
}
