import { describe, expect, it } from 'vitest';
import { detectDialect } from '../../../../lambdas/core/records/detect-dialect.ts';
import { visibleText } from '../../../../lambdas/core/records/visible-text.ts';
import { feedNamed } from '../../../../feeds/index.ts';

const { formats, encoding, columns } = feedNamed('traffic');
function refusalOf(content: string, key = 'traffic/log.csv'): string {
  const found = detectDialect(Buffer.from(content), true, { formats, encoding, columns, key });
  expect(found.kind).toBe('refused');
  return found.kind === 'refused' ? found.message : '';
}

describe('a header that lacks columns is refused with what was found', () => {
  it('its names, with invisible characters made visible, and the delimiter', () => {
    const message = refusalOf('SpotID;Station\u200bCode;AirDateTime\u00a0;Duration;Client\n1;2;3;4;5\n');
    expect(message).toContain('lacks the columns "StationCode", "ClientName"');
    expect(message).toContain('Separated by semicolons, it has 5 columns: "SpotID", "Station<U+200B>Code", ');
    expect(message).toContain('"Station<U+200B>Code" instead of "StationCode": remove the invisible characters');
  });

  it.each<[string, string, RegExp]>([
    [
      'other letters',
      'SPOTID,StationCode,AirDateTime,Duration,ClientName\n',
      /"SPOTID" instead of "SpotID": upper and lower/,
    ],
    [
      'other signs',
      'Spot_ID,StationCode,AirDateTime,Duration,ClientName\n',
      /"Spot_ID" instead of "SpotID": rename it/,
    ],
    ['another separator', 'SpotID^StationCode^AirDateTime^Duration^ClientName\n1^2^3^4^5\n', /separated by "\^"/],
    [
      'quotes around the whole line',
      '"SpotID,StationCode,AirDateTime,Duration,ClientName"\n',
      /Separated by commas it has them, but it is quoted as a whole/,
    ],
    [
      'a separator that is wrong',
      'sep=;\nSpotID,StationCode,AirDateTime,Duration,ClientName\n',
      /a preceding line "sep=" says otherwise/,
    ],
    ['no header', 'SP-1,WABC,2026-01-05 06:00:00,30,Acme\n', /looks like data/],
    ['one column', 'whatever\n', /read as one column: "whatever"/],
  ])('of %s, with advice', (_, content, sentence) => {
    expect(refusalOf(content)).toMatch(sentence);
  });

  it('in a sentence of bounded length', () => {
    const names = Array.from({ length: 5000 }, (_, n) => `${'\u200b'.repeat(100)}column ${n}`);
    const message = refusalOf(`${names.join(',').slice(0, 15_000)}\n`);
    expect(message).toMatch(/and \d+ more/);
    expect(message.length).toBeLessThan(3000);
  });
});

it('reports that the name promises JSON', () => {
  const message = refusalOf('"SpotID": "1", "StationCode"\n', 'traffic/log.json');
  expect(message).toMatch(/^The file's name says JSON, but it begins with ""SpotID": "1"/);
});

it.each([
  ['a\u0000b', 'a<U+0000>b'],
  [' a ', '<U+0020>a<U+0020>'],
  ['\ud800x', '<U+D800>x'],
  ['a b', 'a b'],
  ['abcdefghijk', 'abcdefghij…'],
])('shows %j as %s', (text, shown) => {
  expect(visibleText(text, 10)).toBe(shown);
});
