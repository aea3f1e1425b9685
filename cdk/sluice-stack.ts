import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { AccessLogs } from './constructs/access-logs.ts';
import { Archive } from './constructs/archive.ts';
import { Alarms } from './constructs/alarms.ts';
import { Desk } from './constructs/desk.ts';
import { addFeedAlarms } from './constructs/feed-alarms.ts';
import { Finalizer } from './constructs/finalizer.ts';
import { IntakeBucket } from './constructs/intake-bucket.ts';
import { addLaneAlarms } from './constructs/lane-alarms.ts';
import { Lane } from './constructs/lane.ts';
import { Ledger } from './constructs/ledger.ts';
import { RecordLedger } from './constructs/record-ledger.ts';
import { Reconciler } from './constructs/reconciler.ts';
import { addStackAlarms } from './constructs/stack-alarms.ts';
import { StageDashboard } from './constructs/stage-dashboard.ts';
import { TokenSecret } from './constructs/token-secret.ts';
import { WorkBucket } from './constructs/work-bucket.ts';
import { writeOutputs } from './outputs.ts';
import type { Settings } from './settings.ts';

export interface SluiceStackProps {
  settings: Settings;
  /** The repository's folder: functions are named by their entries in it. */
  root: string;
}

/** The way of a record, from the bucket it is dropped into to the archive. */
export class SluiceStack extends Stack {
  constructor(scope: Construct, id: string, { settings, root }: SluiceStackProps) {
    super(scope, id, {
      stackName: settings.stackName,
      description: `Sluice ${settings.version}, stage ${settings.stage}: files from S3 to rate-limited APIs, exactly once.`,
      terminationProtection: settings.retainData,
    });
    const ledger = new Ledger(this, 'Ledger', { settings });
    const accessLogs = new AccessLogs(this, 'AccessLogs', { settings });
    const intake = new IntakeBucket(this, 'Intake', { settings, accessLogs });
    const work = new WorkBucket(this, 'Work', { settings, accessLogs });
    const archive = new Archive(this, 'Archive', { settings, accessLogs });
    const shared = { settings, root, ledger, intake, work };
    const desk = new Desk(this, 'Desk', { settings });
    const finalizer = new Finalizer(this, 'Finalizer', { ...shared, archive, desk });
    const isNeeded = settings.feeds.some((feed) => feed.api.url === undefined);
    const recordLedger = isNeeded ? new RecordLedger(this, 'RecordLedger', { settings }) : undefined;
    const feeds = settings.feeds.map((feed) => {
      // A feed without an API has nobody to show a token to.
      const sink =
        feed.api.url === undefined
          ? { recordLedger }
          : { token: new TokenSecret(this, `${feed.name}-token`, { settings, feed }) };
      const lanes = feed.lanes.map(
        (lane) => new Lane(this, lane.id, { ...shared, feed, lane, sink, finalizeQueue: finalizer.queue }),
      );
      return { feed, ...sink, lanes };
    });
    const lanes = feeds.flatMap((feed) => feed.lanes);
    const reconciler = new Reconciler(this, 'Reconciler', { ...shared, lanes, archive, finalizer, desk });
    const alarms = new Alarms(this, 'Alarms', { settings, desk });
    for (const { feed } of feeds) addFeedAlarms(alarms, settings, feed);
    for (const lane of lanes) addLaneAlarms(alarms, settings, lane);
    addStackAlarms(alarms, settings, { ledger, finalizer, reconciler });
    new StageDashboard(this, 'Dashboard', { settings, feeds, ledger, finalizer });
    writeOutputs(this, { ledger, recordLedger, intake, work, archive, finalizer, feeds, reconciler, desk });
  }
}
