import { paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import type { Target } from '../stack/choose-target.ts';
import { cloudFormationClientFor, cloudWatchClientFor } from '../stack/clients.ts';

export interface Alarm {
  name: string;
  /** OK, ALARM or INSUFFICIENT_DATA. */
  state: string;
}

/** CloudWatch: names a call. */
const perCall = 100;

/** A stack's alarms, as CloudWatch has them. */
export async function readAlarms(target: Target, abortSignal: AbortSignal): Promise<Alarm[]> {
  const client = cloudFormationClientFor(target);
  const cloudWatch = cloudWatchClientFor(target);
  const names: string[] = [];
  for await (const page of paginateListStackResources({ client }, { StackName: target.stackName })) {
    for (const { ResourceType, PhysicalResourceId } of page.StackResourceSummaries ?? []) {
      if (ResourceType === 'AWS::CloudWatch::Alarm' && PhysicalResourceId) names.push(PhysicalResourceId);
    }
  }
  const alarms: Alarm[] = [];
  for (let from = 0; from < names.length; from += perCall) {
    const { MetricAlarms = [] } = await cloudWatch.send(
      new DescribeAlarmsCommand({ AlarmNames: names.slice(from, from + perCall), MaxRecords: perCall }),
      { abortSignal },
    );
    for (const { AlarmName = '', StateValue = '' } of MetricAlarms) alarms.push({ name: AlarmName, state: StateValue });
  }
  client.destroy();
  cloudWatch.destroy();
  return alarms;
}
