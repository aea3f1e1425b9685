import type { StageName } from '../../cdk/stages/index.ts';
import { stages } from '../../cdk/stages/index.ts';
import type { RegisteredFeed } from '../../feeds/feed.ts';
import { feeds } from '../../feeds/index.ts';
import { traffic } from '../../feeds/traffic.ts';

/** Settings of a stack whose template is checked. */
export interface MatrixCase {
  name: string;
  stage: StageName;
  environment: Record<string, string>;
  of: readonly RegisteredFeed[];
}

const arnOf = (partition: string, region: string): string =>
  `arn:${partition}:kms:${region}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
/** One that goes to an API, in two lanes, and one of small files that goes into the record ledger, in one. */
const kinds = { SLUICE_FEEDS: 'traffic,maintenance', SLUICE_MAINTENANCE_EXPRESS_LANE: 'off' };

/** They share an API. Whether so many fit one stack is measured by test/cdk/measure-template.test.ts. */
const many = Array.from({ length: 5 }, (_, index) => ({ ...traffic, name: `feed-${index + 1}` }));

/** Every stage as it is, and the settings that add, remove or change resources. */
export const settingsMatrix: readonly MatrixCase[] = [
  ...Object.keys(stages).map((stage) => ({
    name: stage,
    stage: stage as StageName,
    environment: stage === 'prod' ? kinds : {},
    of: feeds,
  })),
  {
    name: 'one-lane-unsigned',
    stage: 'prod',
    environment: { SLUICE_TRAFFIC_EXPRESS_LANE: 'off', SLUICE_SIGNING_KEY: 'none', SLUICE_ARCHIVE_LOCK: 'compliance' },
    of: feeds,
  },
  {
    name: 'keys-of-the-customer',
    stage: 'prod',
    environment: {
      ...kinds,
      SLUICE_KMS_KEY_ARN: arnOf('aws', 'us-east-1'),
      SLUICE_SIGNING_KEY: arnOf('aws', 'us-east-1'),
      SLUICE_DESK_EMAIL: 'desk@example.com',
    },
    of: feeds,
  },
  {
    name: 'static-egress',
    stage: 'prod',
    environment: { ...kinds, SLUICE_EGRESS: 'static', SLUICE_TRAFFIC_EXPRESS_LANE: 'off' },
    of: feeds,
  },
  {
    name: 'five-feeds',
    stage: 'prod',
    environment: {
      SLUICE_FEEDS: many.map(({ name }) => name).join(),
      ...Object.fromEntries(
        many.flatMap((_, index) => [
          [`SLUICE_FEED_${index + 1}_API_URL`, 'https://avstar.example/v1'],
          [`SLUICE_FEED_${index + 1}_EXPRESS_LANE`, 'off'],
        ]),
      ),
    },
    of: many,
  },
];
