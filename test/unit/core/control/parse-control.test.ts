import { describe, expect, it } from 'vitest';
import { controlRule, controlledName } from '../../../../feeds/control-rule.ts';
import { ControlFileError } from '../../../../lambdas/core/control/control-file-error.ts';
import { parseCounts } from '../../../../lambdas/core/control/parse-counts.ts';
import { parseSums } from '../../../../lambdas/core/control/parse-sums.ts';

const sum = 'ab'.repeat(32);
const other = 'cd'.repeat(32);

describe('the output of sha256sum', () => {
  it.each([
    ['text mode', `${sum}  WABC.csv\n`, 'WABC.csv'],
    ['binary mode', `${sum} *WABC.csv\n`, 'WABC.csv'],
    ['without a final line break', `${sum}  WABC.csv`, 'WABC.csv'],
    ['CRLF', `${sum}  WABC.csv\r\n${other}  WXYZ.csv\r\n`, 'WABC.csv'],
    ['upper case', `${sum.toUpperCase()}  WABC.csv\n`, 'WABC.csv'],
    ['several lines and a comment', `# night\n${other}  WXYZ.csv\n\n${sum}  WABC.csv\n`, 'WABC.csv'],
    ['--tag', `SHA256 (out/WABC.csv) = ${sum}\n`, 'WABC.csv'],
    ['a path', `${sum}  ./export/WABC.csv\n`, 'WABC.csv'],
    ['a path of Windows', `\\${sum}  C:\\\\export\\\\WABC.csv\n`, 'WABC.csv'],
    ['a path out of its folder, which opens nothing', `${sum}  ../../etc/WABC.csv\n`, 'WABC.csv'],
    ['a name with a line break', `\\${sum}  WA\\nBC.csv\n`, 'WA\nBC.csv'],
    ['a name with a carriage return', `\\${sum}  WA\\rBC.csv\n`, 'WA\rBC.csv'],
    ['a name with spaces', `${sum}  WABC monday.csv\n`, 'WABC monday.csv'],
    ['a file named twice with the same sum', `${sum}  a/WABC.csv\n${sum}  b/WABC.csv\n`, 'WABC.csv'],
  ])('is read: %s', (_, text, name) => {
    expect(parseSums(text, name)).toBe(sum);
  });

  it.each([
    ['nothing', '', 'It is empty.'],
    ['comments only', '# WABC.csv\n', 'It is empty.'],
    ['a digest alone', sum, 'Line 1 is not one that sha256sum prints.'],
    ['another tool’s digest', `${'ab'.repeat(16)}  WABC.csv`, 'Line 1 is not one that sha256sum prints.'],
    ['NUL', `${sum}  WABC.csv\n\0\0`, 'Line 2 is not one that sha256sum prints.'],
    ['another file', `${sum}  /etc/passwd\n`, 'None of its 1 lines names WABC.csv.'],
    ['two sums', `${sum}  WABC.csv\n${other}  b/WABC.csv\n`, 'It has 2 different SHA-256 for WABC.csv.'],
  ])('is refused: %s', (_, text, message) => {
    expect(() => parseSums(text, 'WABC.csv')).toThrow(new ControlFileError(message));
  });
});

describe('the counts of a control file', () => {
  it('are records, bytes or both, beside anything else', () => {
    expect(parseCounts('{"records":3,"bytes":120,"day":"2026-01-05"}')).toEqual({ records: 3, bytes: 120 });
    expect(parseCounts(' {"records":0}\n')).toEqual({ records: 0 });
  });

  it.each([
    ['', 'It is not JSON.'],
    ['{"records":3', 'It is not JSON.'],
    ['3', 'It is not a JSON object.'],
    ['[3]', 'It is not a JSON object.'],
    ['{"rows":3}', 'It has neither records nor bytes.'],
    ['{"records":"3"}', 'records is not a whole number of 0 or more.'],
    ['{"records":-1}', 'records is not a whole number of 0 or more.'],
    ['{"records":1e400}', 'records is not a whole number of 0 or more.'],
    ['{"records":3,"records":4}', 'It has a name more than once.'],
    ['['.repeat(60_000), 'It is nested more than 64 levels deep.'],
  ])('are refused: %.30s', (text, message) => {
    expect(() => parseCounts(text)).toThrow(new ControlFileError(message));
  });
});

describe('the name of a control file', () => {
  it('is its file’s with the suffix', () => {
    expect(controlledName({ suffix: '.ctl' }, 'night/WABC.csv.ctl')).toBe('night/WABC.csv');
    for (const name of ['WABC.csv', '.ctl', 'night/.ctl', 'WABC.ctl.csv', 'WABC.csv.CTL']) {
      expect(controlledName({ suffix: '.ctl' }, name)).toBeUndefined();
    }
  });

  it('can not be the end of all files’ names', () => {
    const rule = { comes: 'after', kind: 'rows' };
    for (const suffix of ['', '.csv', 'csv', 'V', 'sv', '.gz', 'a/b', '.c tl', '.ctl\n']) {
      expect(controlRule.safeParse({ ...rule, suffix }).success, suffix).toBe(false);
    }
    for (const suffix of ['.ctl', '_manifest.csv', '.sha256']) {
      expect(controlRule.parse({ ...rule, suffix })).toEqual({ ...rule, suffix, waitMinutes: 60 });
    }
  });
});
