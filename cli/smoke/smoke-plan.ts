import { estimateCost } from '../check/estimate-cost.ts';
import type { Account } from './find-account.ts';

/** What it deploys the traffic feed with: slow enough for a small account's quota of concurrent executions. */
export const smokeApi = { requests: 600, windowSeconds: 60, connections: 4 };
export const smokeFeeds = ['traffic', 'maintenance'] as const;
/** Rows that are accepted, rejected and refused once, and maintenance records. */
export const smokeRows = { good: 200, rejected: 3, refusedOnce: 2, maintenance: 50 };

/** In seconds and counts, as they were seen. */
export interface SmokeFacts {
  /** From the first resource to the last. */
  deployedSeconds: number;
  uploadSeconds: number;
  records: number;
  deadLetters: number;
  alarms: number;
}

/** CloudWatch bills an alarm by the hour, $0.10 a month each; list price, us-east-1, November 2026. */
const dollarsAnAlarmSecond = 0.1 / (30 * 24 * 3600);
/** Secrets Manager: $0.40 a month. */
const dollarsASecretSecond = 0.4 / (30 * 24 * 3600);

export function planOf(plan: {
  stackName: string;
  account: Account | null;
  endpoint: string | null;
  apiUrl: string | undefined;
}): string {
  const { stackName, account, endpoint, apiUrl } = plan;
  const { good, rejected, refusedOnce, maintenance } = smokeRows;
  const where =
    endpoint === null
      ? `AWS account ${account?.id ?? ''}, region ${account?.region ?? ''}`
      : `the endpoint ${endpoint}, which is not AWS`;
  return [
    `The smoke test uses ${where}. It`,
    apiUrl === undefined
      ? `  1. deploys ${stackName}-api, an API for the test: a function with a public URL and a token, and a table`
      : `  1. uses the API at ${apiUrl}`,
    `  2. deploys ${stackName}, a stack of the feeds ${smokeFeeds.join(' and ')} that nothing of is retained`,
    `  3. drops a file of ${good + rejected + refusedOnce} spots and one of ${maintenance} maintenance records`,
    '  4. checks both accounts, and verifies the receipts against the source files',
    '  5. has SQS redrive the dead letters (StartMessageMoveTask), and checks the amended account',
    '  6. reads the alarms',
    '  7. deletes the stacks with all of their data, also when a step fails or Ctrl-C is pressed',
    'It takes about 15 minutes on AWS and costs a few cents. It touches no other stack.\n',
  ].join('\n');
}

/** From list prices: AWS's own figures come a day later. */
export function costSentence({ deployedSeconds, uploadSeconds, records, deadLetters, alarms }: SmokeFacts): string {
  const traffic = estimateCost({
    records,
    rejected: deadLetters,
    uploadSeconds,
    consumers: 2,
    consumerMemoryMb: 512,
    isLedger: true,
    isSmall: false,
  });
  const standing = deployedSeconds * (alarms * dollarsAnAlarmSecond + dollarsASecretSecond);
  const dollars = traffic.dollars + standing;
  return (
    `Cost, estimated from list prices without free tiers: about $${dollars.toFixed(3)} ` +
    `(${records} records, ${alarms} alarms for ${Math.ceil(deployedSeconds / 60)} minutes). Cost Explorer has AWS's own figure tomorrow.`
  );
}
