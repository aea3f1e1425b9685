import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { listPrices } from '../../cli/check/list-prices.ts';
import { ofType, synthesise } from './synthesise.ts';

/**
 * Lambda starts with so many long polls for each mapping, of so many seconds:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */
const [polls, pollSeconds] = [5, 20];
const secondsAMonth = 30 * 24 * 3600;

it('the documented cost of Lambda’s polling while no file comes matches the event sources', () => {
  const { resources } = synthesise('prod', { SLUICE_FEEDS: 'traffic,maintenance' });
  const mappings = ofType(resources, 'AWS::Lambda::EventSourceMapping').length;
  const receives = (polls * secondsAMonth) / pollSeconds;
  const [each, all] = [receives * listPrices.sqsRequest, mappings * receives * listPrices.sqsRequest];
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/cost-and-scale.md'), 'utf8').replaceAll('\n', ' ');
  expect(page).toContain(`${receives.toLocaleString('en-US')} receives a month or $${each.toFixed(2)}.`);
  expect(page).toContain(`have ${mappings}: $${all.toFixed(2)} `);
});
