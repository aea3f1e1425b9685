import { Duration } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';

const period = Duration.minutes(5);

/** Visible messages in it. */
export function visible(queue: IQueue): Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period });
}

/** Of its oldest message, in seconds. */
export function aged(queue: IQueue): Metric {
  return queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period });
}

export function errorsOf(of: Function): Metric {
  return of.metricErrors({ statistic: 'Sum', period });
}

export function throttlesOf(of: Function): Metric {
  return of.metricThrottles({ statistic: 'Sum', period });
}
