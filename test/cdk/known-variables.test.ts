import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generalVariables, unknownVariables } from '../../cdk/known-variables.ts';
import { feeds } from '../../feeds/index.ts';

const root = resolve(import.meta.dirname, '../..');

describe('a variable that begins with SLUICE_', () => {
  it.each([
    ['SLUICE_TRAFIC_REQUESTS', 'Did you mean SLUICE_TRAFFIC_REQUESTS?'],
    ['SLUICE_TRAFFIC_REQUEST', 'Did you mean SLUICE_TRAFFIC_REQUESTS?'],
    ['SLUICE_TRAFFIC_WINDOW', 'Did you mean SLUICE_TRAFFIC_WINDOW_SECONDS?'],
    ['SLUICE_RADIO_REQUESTS', 'The settings of a feed begin with its name (SLUICE_TRAFFIC_, '],
    ['SLUICE_TRAFIC_API_TOKEN', 'Did you mean SLUICE_TRAFFIC_API_TOKEN?'],
    ['SLUICE_FEED', 'Did you mean SLUICE_FEEDS?'],
    ['SLUICE_MAINTENANCE_UNKNOWN_FORM_TYPE', 'Did you mean SLUICE_MAINTENANCE_UNKNOWN_FORM_TYPES?'],
    ['SLUICE_DESK_MAIL', 'Did you mean SLUICE_DESK_EMAIL?'],
  ])('and is called %s is refused, with the nearest name', (name, advice) => {
    const [fault] = unknownVariables(feeds, { [name]: '1' });
    expect(fault).toContain(`${name} is set, and nothing reads it. ${advice}`);
  });

  it('is accepted if something reads it, whether its feed is deployed or not; other variables are not checked', () => {
    const known = {
      ...{ SLUICE_FEEDS: 'traffic', SLUICE_TELEMETRY_REQUESTS: '5', SLUICE_TRAFFIC_CONCURRENCY: '2' },
      ...{ SLUICE_MAINTENANCE_MINIMUM_OCR_CONFIDENCE: '0.5', SLUICE_TRAFFIC_API_TOKEN: 't', AWS_REGION: 'x' },
    };
    expect(unknownVariables(feeds, known)).toEqual([]);
  });

  it('is in the list if the source reads it, and is read if it is in the list', () => {
    const files = globSync('{cdk,cli,localstack,test,.github,.ci}/**/*', { cwd: root, exclude: ['**/node_modules/**'] })
      .concat('vitest.config.ts')
      .filter((name) => /\.(ts|mjs|yml|py)$|\.ci\/run$/.test(name) && !/known-variables(\.test)?\.ts$/.test(name));
    const texts = files.map((name) => readFileSync(resolve(root, name), 'utf8')).join('\n');
    const read = [...texts.matchAll(/(?:env|environment)(?:\??\.|\[')(SLUICE_[A-Z_]+)/g)].map(([, name = '']) => name);
    const ofFeeds = /^SLUICE_(TRAFFIC|MAINTENANCE|TELEMETRY)_/;
    const isOfFunctions = (name: string) =>
      ['SLUICE_FEED', 'SLUICE_LANE', 'SLUICE_VERSION', 'SLUICE_FILES'].includes(name);
    const names = [...new Set(read)].filter((name) => !ofFeeds.test(name) && !isOfFunctions(name));
    expect(names.filter((name) => !(generalVariables as readonly string[]).includes(name))).toEqual([]);
    expect(generalVariables.filter((name) => !texts.includes(name))).toEqual([]);
  });
});
