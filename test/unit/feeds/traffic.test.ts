import { describe, expect, it } from 'vitest';
import { traffic } from '../../../feeds/traffic.ts';

const row = {
  SpotID: 'SP-1',
  StationCode: 'WABC',
  AirDateTime: '2026-01-05 25:61',
  Duration: '30',
  ClientName: 'Joe’s',
};
const parse = (change: Record<string, unknown>) => traffic.open({}).schema.safeParse({ ...row, ...change });

describe('a spot', () => {
  it('is sent exactly as it was written', () => {
    const written = { SpotID: ' SP-1 ', AirDateTime: ' 2026-01-05 25:61 ', ClientName: 'Joe’s  Pizza ' };
    expect(parse(written).data).toEqual({
      spot_id: ' SP-1 ',
      station: 'WABC',
      airtime: ' 2026-01-05 25:61 ',
      duration_sec: 30,
      advertiser: 'Joe’s  Pizza ',
    });
  });

  it('ignores unknown columns', () => {
    expect(parse({ Agency: 'x', __proto__: { evil: true } }).data).toEqual(parse({}).data);
  });

  it.each(['SpotID', 'StationCode', 'AirDateTime', 'Duration', 'ClientName'])('needs %s', (field) => {
    for (const value of [undefined, null, '', ' ', '\t\u00a0 ', true, [], {}]) {
      const result = parse({ [field]: value });
      expect(result.success, JSON.stringify(value)).toBe(false);
      expect(result.error?.issues[0]?.path).toEqual([field]);
    }
  });

  it.each(['SpotID', 'StationCode', 'AirDateTime', 'ClientName'])('accepts no number for %s', (field) => {
    expect(parse({ [field]: 12 }).success).toBe(false);
  });
});

describe('a duration', () => {
  it.each([
    ['30', 30],
    [' 30 ', 30],
    ['\t015', 15],
    ['0', 0],
    [30, 30],
  ])('%j is %i seconds', (value, seconds) => {
    expect(parse({ Duration: value }).data?.duration_sec).toBe(seconds);
  });

  it.each([
    '29.97',
    '30.0',
    '30s',
    '+30',
    '-30',
    '3e1',
    '0x1e',
    '٣٠',
    '３０',
    '30\n',
    '1 5',
    29.97,
    -30,
    2 ** 53,
    '9007199254740993',
    NaN,
  ])('%j is invalid', (value) => {
    expect(parse({ Duration: value }).success).toBe(false);
  });
});
