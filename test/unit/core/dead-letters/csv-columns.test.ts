import { describe, expect, it } from 'vitest';
import { CsvColumns, maxNameCharacters, maxSourceColumns } from '../../../../lambdas/core/dead-letters/csv-columns.ts';

describe('the columns of a reconciliation CSV', () => {
  it('are the names that occurred, in that order', () => {
    const columns = new CsvColumns(['Duration']);
    columns.note(['SpotID', 'Duration', '']);
    columns.note(['Region', 'SpotID'], 5);
    expect(columns.chosen()).toEqual(['SpotID', 'Duration', 'Region']);
  });

  it('are bounded: those that the feed declares and the most frequent stay, whichever comes first', () => {
    const columns = new CsvColumns(['Duration']);
    for (let record = 0; record < 1_000; record++) {
      columns.note(Array.from({ length: 10 }, (_, index) => `noise ${record * 10 + index}`));
      columns.note(['SpotID', 'StationCode']);
    }
    columns.note(['Duration']);
    const chosen = columns.chosen();
    expect(chosen.length).toBeLessThanOrEqual(maxSourceColumns);
    expect(chosen).toEqual(expect.arrayContaining(['SpotID', 'StationCode', 'Duration']));
  });

  it('count each name for all records of a file at once', () => {
    const columns = new CsvColumns([]);
    columns.note(
      Array.from({ length: 3_000 }, (_, index) => `wide ${index}`),
      7,
    );
    columns.note(['SpotID'], 100);
    const chosen = columns.chosen();
    expect(chosen).toContain('SpotID');
    expect(chosen.length).toBeLessThanOrEqual(maxSourceColumns);
  });

  it('have no name that is too long for a header', () => {
    const columns = new CsvColumns([]);
    columns.note(['x'.repeat(maxNameCharacters + 1), 'y'.repeat(maxNameCharacters)]);
    expect(columns.chosen()).toEqual(['y'.repeat(maxNameCharacters)]);
  });
});
