import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { prod } from './prod.ts';
import type { StageNumbers } from './stage-numbers.ts';

/** A rehearsal in AWS with prod's sizes. Its data is nobody's evidence and may go with the stack. */
export const staging: StageNumbers = {
  ...prod,
  retainData: false,
  logRetentionDays: RetentionDays.ONE_MONTH,
};
