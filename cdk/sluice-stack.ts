import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { AccessLogs } from './constructs/access-logs.ts';
import { Archive } from './constructs/archive.ts';
import { Alarms } from './constructs/alarms.ts';
import { Desk } from './constructs/desk.ts';
import { addFeedAlarms } from './constructs/feed-alarms.ts';
import { FeedPipeline } from './constructs/feed-pipeline.ts';
import { IntakeBucket } from './constructs/intake-bucket.ts';
import { addLaneAlarms } from './constructs/lane-alarms.ts';
import { Ledger } from './constructs/ledger.ts';
import { RecordLedger } from './constructs/record-ledger.ts';
import { SigningKey } from './constructs/signing-key.ts';
import { addLedgerAlarms } from './constructs/ledger-alarms.ts';
import { addPipelineAlarms } from './constructs/pipeline-alarms.ts';
import { StaticEgress } from './constructs/static-egress.ts';
import { StageDashboard } from './constructs/stage-dashboard.ts';
import { WorkBucket } from './constructs/work-bucket.ts';
import { writeOutputs } from './outputs.ts';
import type { Settings } from './settings.ts';

export interface SluiceStackProps {
  settings: Settings;
  /** The repository's folder: functions are named by their entries in it. */
  root: string;
  /** Off for a first deploy: if it fails, its stack can be deleted and tried again. */
  isProtected?: boolean;
}

/** The way of a record, from the bucket it is dropped into to the archive. */
export class SluiceStack extends Stack {
  constructor(scope: Construct, id: string, { settings, root, isProtected = true }: SluiceStackProps) {
    super(scope, id, {
      stackName: settings.stackName,
      description: `Sluice ${settings.version}, stage ${settings.stage}: files from S3 to rate-limited APIs, exactly once.`,
      terminationProtection: settings.retainData && isProtected,
    });
    const ledger = new Ledger(this, 'Ledger', { settings });
    const accessLogs = new AccessLogs(this, 'AccessLogs', { settings });
    const intake = new IntakeBucket(this, 'Intake', { settings, accessLogs });
    const work = new WorkBucket(this, 'Work', { settings, accessLogs });
    const archive = new Archive(this, 'Archive', { settings, accessLogs });
    const desk = new Desk(this, 'Desk', { settings });
    const signingKey = settings.signingKey === 'none' ? undefined : new SigningKey(this, 'SigningKey', { settings });
    const { egress } = settings;
    const staticEgress =
      egress.kind === 'static' ? new StaticEgress(this, 'Egress', { settings, accessLogs }) : undefined;
    const network = egress.kind === 'subnets' ? egress : staticEgress?.network;
    const hasLedgerSink = settings.feeds.some((feed) => feed.api.url === undefined);
    const recordLedger = hasLedgerSink ? new RecordLedger(this, 'RecordLedger', { settings }) : undefined;
    const shared = { settings, root, ledger, intake, work, archive, desk, recordLedger, signingKey, network };
    const pipelines = settings.feeds.map((feed) => new FeedPipeline(this, feed.name, { ...shared, feed }));
    const alarms = new Alarms(this, 'Alarms', { settings, desk });
    for (const pipeline of pipelines) {
      addFeedAlarms(alarms, settings, pipeline.feed);
      addPipelineAlarms(alarms, settings, pipeline);
      for (const lane of pipeline.lanes) addLaneAlarms(alarms, settings, lane);
    }
    addLedgerAlarms(alarms, ledger);
    new StageDashboard(this, 'Dashboard', { settings, pipelines, ledger });
    writeOutputs(this, { ledger, recordLedger, intake, work, archive, pipelines, desk, staticEgress });
  }
}
