import { Duration } from 'aws-cdk-lib';
import type { IMetric, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';

const usual = Duration.minutes(5);

/** Messages in it that somebody could receive. */
export function visible(queue: IQueue, period: Duration = usual): Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period });
}

/** Of its oldest message, in seconds. */
export function aged(queue: IQueue): IMetric {
  return queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: usual });
}

export function errorsOf(functions: readonly Function[]): IMetric {
  return sumOf(functions.map((each) => each.metricErrors({ statistic: 'Sum', period: usual })));
}

export function throttlesOf(functions: readonly Function[]): IMetric {
  return sumOf(functions.map((each) => each.metricThrottles({ statistic: 'Sum', period: usual })));
}

/** One that has no figure, as an idle queue's, counts for nothing. An alarm can look at ten. */
export function sumOf(metrics: readonly IMetric[]): IMetric {
  const [only, another] = metrics;
  if (only && !another) return only;
  const names = metrics.map((_, n) => `m${n}`);
  return new MathExpression({
    expression: names.map((name) => `FILL(${name}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(metrics.map((metric, n) => [`m${n}`, metric])),
    period: usual,
  });
}
