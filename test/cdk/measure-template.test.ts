import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import type { Measurement } from '../../cdk/measure-template.ts';
import { measureTemplate, quotaExcesses } from '../../cdk/measure-template.ts';
import { maxStackNameLength } from '../../cdk/check-settings.ts';
import { resourcesOf } from '../../cdk/stack-size.ts';
import { traffic } from '../../feeds/traffic.ts';
import { createStack } from './synthesise.ts';

/** The most feeds with both lanes that fit one stack: docs/deployment.md has it. */
const maxFeeds = 5;

/** A stack of so many feeds, all with both lanes and one API, with names as long as they may be. */
function measure(feeds: number): { measurements: Measurement[]; estimated: number } {
  const many = Array.from({ length: feeds }, (_, index) => ({ ...traffic, name: `feed-${'n'.repeat(10)}-${index}` }));
  const settingOf = (name: string, value: string): [string, string][] =>
    many.map((feed) => [`SLUICE_${feed.name.toUpperCase().replaceAll('-', '_')}_${name}`, value]);
  const stackName = 's'.repeat(maxStackNameLength);
  const { stack, settings } = createStack(
    'prod',
    {
      SLUICE_FEEDS: many.map(({ name }) => name).join(),
      SLUICE_FUNCTION_QUOTA: '10000',
      SLUICE_SIGNING_KEY: 'create',
      SLUICE_KMS_KEY_ARN: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
      SLUICE_DESK_EMAIL: 'desk@example.com',
      ...Object.fromEntries([
        ...settingOf('API_URL', `https://avstar.example/${'v'.repeat(200)}`),
        ...settingOf('CONTROL', '{"suffix":".ctl","comes":"after","kind":"rows"}'),
        ...settingOf('EXPECTED', '[{"name":"W","key":"W_*","by":"02:00 UTC"}]'),
      ]),
    },
    {},
    many,
    stackName,
  );
  return {
    measurements: measureTemplate(Template.fromStack(stack).toJSON(), stackName),
    estimated: resourcesOf(settings),
  };
}

const largest = (measurements: readonly Measurement[], part: string): number =>
  Math.max(...measurements.filter(({ what }) => what.includes(part)).map(({ value }) => value));

const name = `feed-${'n'.repeat(10)}-0`;
const ofOtherFeed = `"${name}","${name}/","express/${name}/",`;

describe('a stack against AWS’s quotas', () => {
  let largestOfOne = 0;

  it.each([1, maxFeeds])('has room with %i feeds', (feeds) => {
    const { measurements, estimated } = measure(feeds);
    expect(quotaExcesses(measurements)).toEqual([]);
    const { value: resources = 0 } = measurements.find(({ what }) => what === 'resources of the stack') ?? {};
    expect(estimated).toBeGreaterThanOrEqual(resources);
    expect(estimated - resources).toBeLessThan(5);
    // It grows with the other feeds only by the names of those that share its API, and by the prefixes of their lanes.
    const environment = largest(measurements, 'bytes of the environment');
    largestOfOne ||= environment;
    expect(environment - largestOfOne).toBeLessThanOrEqual(feeds * ofOtherFeed.length);
  });

  it.each(Array.from({ length: 12 - maxFeeds }, (_, index) => maxFeeds + 1 + index))('refuses %i feeds', (feeds) => {
    expect(() => measure(feeds)).toThrow(
      new RegExp(
        `SLUICE_FEEDS has ${feeds} feeds with ${2 * feeds} lanes; that makes up to \\d+ resources, .* allows 500`,
      ),
    );
  });

  it('measures its parts exactly', () => {
    const measured = measureTemplate(
      {
        Resources: {
          Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q'.repeat(81) } },
          Function: {
            Type: 'AWS::Lambda::Function',
            Properties: {
              FunctionName: 'f',
              Environment: { Variables: { A: 'x'.repeat(3_700), URL: { Ref: 'Queue' } } },
            },
          },
          Policy: {
            Type: 'AWS::IAM::Policy',
            Properties: { PolicyDocument: { Statement: 'y'.repeat(9_300) }, Roles: [{ Ref: 'Role' }] },
          },
        },
      },
      'stack',
    );
    expect(quotaExcesses(measured)).toEqual([
      "the name of Queue: 81. AWS allows 80: shorten the stack's or the feed's name.",
      expect.stringMatching(
        /^bytes of the environment of Function: 38\d\d\. AWS allows 4096, and Sluice uses up to 3686 of that/,
      ),
      expect.stringMatching(
        /^bytes of the policies of Role: 93\d\d\. AWS allows 10240, and Sluice uses up to 9216 of that/,
      ),
    ]);
  });
});
