import { Construct } from 'constructs';
import type { FeedSettings, Settings } from '../settings.ts';
import type { Archive } from './archive.ts';
import type { Desk } from './desk.ts';
import { Finalizer } from './finalizer.ts';
import type { IntakeBucket } from './intake-bucket.ts';
import { Lane } from './lane.ts';
import type { Ledger } from './ledger.ts';
import { Reconciler } from './reconciler.ts';
import type { RecordLedger } from './record-ledger.ts';
import type { SigningKey } from './signing-key.ts';
import type { Network } from './static-egress.ts';
import { TokenSecret } from './token-secret.ts';
import { acceptTlsOnly } from './tls-only-queues.ts';
import type { WorkBucket } from './work-bucket.ts';

export interface FeedPipelineProps {
  settings: Settings;
  root: string;
  feed: FeedSettings;
  ledger: Ledger;
  intake: IntakeBucket;
  work: WorkBucket;
  archive: Archive;
  desk: Desk;
  /** Of feeds that have no API. */
  recordLedger: RecordLedger | undefined;
  signingKey: SigningKey | undefined;
  /** Of consumers that send to an API. */
  network: Network | undefined;
}

/**
 * Everything that serves a single feed: lanes, finalizer, reconciler, token. A flood or a fault in one feed does not
 * affect the others, and each role reaches its own feed only.
 */
export class FeedPipeline extends Construct {
  readonly feed: FeedSettings;
  readonly token: TokenSecret | undefined;
  readonly finalizer: Finalizer;
  readonly lanes: Lane[];
  readonly reconciler: Reconciler;

  constructor(scope: Construct, id: string, props: FeedPipelineProps) {
    super(scope, id);
    const { settings, feed, recordLedger } = props;
    this.feed = feed;
    const goesToApi = feed.api.url !== undefined;
    this.token = goesToApi ? new TokenSecret(this, 'Token', { settings, feed }) : undefined;
    const sink = this.token ? { token: this.token } : { recordLedger };
    this.finalizer = new Finalizer(this, 'Finalizer', props);
    const finalizeQueue = this.finalizer.queue;
    this.lanes = feed.lanes.map((lane) => new Lane(this, lane.name, { ...props, lane, sink, finalizeQueue }));
    this.finalizer.wakes(this.lanes, feed, props.ledger);
    const redriven = [
      this.finalizer.redriven,
      ...this.lanes.flatMap(({ intake, records, letters }) => [intake, records, letters]),
    ];
    acceptTlsOnly(
      this,
      redriven.flatMap(({ queue, dlq }) => [queue, dlq]),
    );
    this.reconciler = new Reconciler(this, 'Reconciler', { ...props, lanes: this.lanes, finalizer: this.finalizer });
  }
}
