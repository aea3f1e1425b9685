import { controlText } from '../../lambdas/core/control/control-text.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { fileDecisionText } from '../../lambdas/core/account/decision-text.ts';
import { quoteFileDecision } from '../../lambdas/core/account/manifest-decision.ts';
import { decisionsOf } from '../../lambdas/core/account/decisions.ts';
import { isManifestOwed } from '../../lambdas/core/account/file-account.ts';
import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';
import { cancelObstacleOf } from '../../lambdas/core/account/quarantine.ts';
import { describeClosed, describeLive } from '../live/describe-file.ts';
import type { ClosedFile, Headline, LiveFile } from '../live/snapshot.ts';
import { countsText } from '../../lambdas/core/series/counts-text.ts';
import type { ReleaseOptions } from '../operate/release-options.ts';
import { formatBytes, formatCount, formatCountOf } from '../terminal/format.ts';
import type { DocumentKind } from './documents.ts';
import { documentsOf } from './documents.ts';

/** Everything that is known about one file, for its page. */
export interface FilePage {
  file: LiveFile | ClosedFile;
  verdict: Pick<Headline, 'tone' | 'text'>;
  /** What happened, the oldest first. */
  timeline: FileEvent[];
  documents: { kind: DocumentKind; title: string }[];
  /** Number of manifests that were written. */
  manifests: number;
  /** What the page says of its content, and where it lies. */
  facts: [name: string, value: string][];
  /** It is in progress: what was not sent yet can be held. */
  is_cancellable: boolean;
  /** What it changes, compared with the earlier revision, in a sentence; null if it was not compared. */
  changes: string | null;
  /** Whether these are listed, record by record. */
  changes_listed: boolean;
  /** What a person may decide about it. */
  release: ReleaseOptions;
}

export interface FileEvent {
  at: string;
  text: string;
  tone: Headline['tone'];
}

/** What is known of a file beside its account. */
export interface FilePageFacts {
  /** Undefined if it has none yet. */
  manifest: ManifestSummary | undefined;
  /** As the newest snapshot shows it, if it is in progress. */
  live: LiveFile | undefined;
  release: ReleaseOptions;
  now: number;
}

export function describeFilePage(file: FileAccount, { manifest, live, release, now }: FilePageFacts): FilePage {
  const isOpen = isManifestOwed(file) || manifest === undefined;
  const closed = manifest && describeClosed(file, manifest);
  const open = live ?? describeLive(file, { projection: undefined, openDead: 0, zone: 'UTC', now });
  return {
    file: isOpen ? open : (closed as ClosedFile),
    verdict: isOpen ? openVerdict(open) : { tone: closed?.tone ?? 'calm', text: capital(closed?.verdict ?? '') },
    timeline: timelineOf(file, manifest),
    documents: manifest ? documentsOf(manifest) : [],
    manifests: file.manifest?.number ?? 0,
    facts: factsOf(file, manifest),
    is_cancellable: cancelObstacleOf(file) === undefined,
    changes: file.revision ? countsText(file.revision.counts) : null,
    changes_listed: file.revision?.comparison !== undefined,
    release,
  };
}

function openVerdict({ activity, projected, deadline_margin_seconds: margin }: LiveFile): FilePage['verdict'] {
  const tone = activity === 'stopped' ? 'alarm' : margin !== null && margin < 0 ? 'alarm' : 'busy';
  return { tone, text: `${capital(activity)}${projected === null ? '' : `; ${projected}`}.` };
}

function timelineOf(file: FileAccount, manifest: ManifestSummary | undefined): FileEvent[] {
  const events: FileEvent[] = [];
  const add = (at: number | string | null | undefined, text: string, tone: Headline['tone'] = 'calm'): void => {
    if (at !== null && at !== undefined) events.push({ at: new Date(at).toISOString(), text, tone });
  };
  const { createdAt, splitAt, quarantine, lastResolvedAt, completedAt, checkpoint } = file;
  add(createdAt, `Received: ${formatBytes(file.source.sizeBytes)}.`);
  const records = formatCountOf(file.totalRecords ?? 0, 'record');
  add(splitAt, `Cut into ${formatCountOf(file.totalBatches ?? 0, 'batch').replace(/batchs$/, 'batches')}: ${records}.`);
  add(manifest?.times.first_upload, 'First record accepted.');
  add(quarantine?.at, `Stopped: ${quarantine?.message ?? ''}`, 'alarm');
  if (checkpoint?.otherHeader) add(splitAt, checkpoint.otherHeader.message, 'alarm');
  for (const decision of decisionsOf(file))
    add(
      decision.at,
      fileDecisionText(quoteFileDecision(decision)) ?? '',
      decision.kind === 'cancel' ? 'alarm' : 'warning',
    );
  add(manifest?.times.last_upload, 'Last record accepted.');
  if (file.state !== 'splitting' && file.state !== 'split') add(completedAt, 'Account closed.');
  add(lastResolvedAt, 'Newest resolution of a dead letter.');
  if (file.amendmentRequestedAt !== undefined) add(file.amendmentRequestedAt, 'An amended manifest is due.', 'busy');
  return events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function factsOf(file: FileAccount, manifest: ManifestSummary | undefined): FilePage['facts'] {
  const { source, sha256, failure, duplicateOf } = file;
  const facts: FilePage['facts'] = [
    ['Dropped as', `s3://${source.bucket}/${source.key}`],
    ['File id', file.fileId],
    ['Feed, lane', `${file.feed}, ${file.lane}`],
    ['SHA-256', sha256 ?? 'not known yet'],
  ];
  if (file.bundle) facts.push(['Bundle', `${formatCount(file.bundle.members)} small files, sent as one`]);
  if (duplicateOf !== undefined) facts.push(['Same bytes as', duplicateOf]);
  if (manifest?.control) facts.push(['Control file', controlText(manifest.control)]);
  if (failure) facts.push(['Failure', failure.message]);
  for (const { message } of manifest?.warnings ?? file.warnings ?? []) facts.push(['Warning', message]);
  if (manifest?.format) facts.push(['Format', [manifest.format, manifest.encoding ?? ''].filter(Boolean).join(', ')]);
  if (manifest) {
    const { archive, signature, manifest_number: number } = manifest;
    facts.push(['Manifest', `number ${number}, s3://${archive.bucket}/${archive.manifest_key}`]);
    facts.push(['Signed', signature ? `by ${signature.key_arn}` : 'no']);
  }
  return facts;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
