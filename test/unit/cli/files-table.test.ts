import { expect, it } from 'vitest';
import { formatFiles } from '../../../cli/show/files-table.ts';
import { summariseFile } from '../../../cli/show/file-summary.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import { fileAccount } from '../../support/file-account.ts';

const columnsOf = (...files: Parameters<typeof summariseFile>[0][]): string[] =>
  formatFiles(
    files.map((file) => summariseFile(file)),
    { zone: 'UTC', now: 0 },
  )
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, '|'));

it('the list of files has the unchanged records of revisions, which no request accepted', () => {
  const settled = { ...noCounts(), uploaded: 14, unchanged: 1_183 };
  const [titles, ...lines] = columnsOf(fileAccount({ settled, totalRecords: 1_197 }), fileAccount({ fileId: 'f2' }));
  expect(titles).toContain('|done|of|accepted|unchanged|dead|');
  expect(lines.join('\n')).toContain('|1,197|1,197|14|1,183|0|');
});

it('the list of files has no such column if there is no revision', () => {
  expect(columnsOf(fileAccount({ settled: { ...noCounts(), uploaded: 14 } }))[0]).toContain('|accepted|dead|');
});
