import type { Projection } from '../core/deadlines/projection.ts';
import type { Shortfall } from '../core/deadlines/shortfall.ts';
import { shortfallsOf } from '../core/deadlines/shortfall.ts';
import type { ProjectedFeed, ProjectedLine, ProjectionPorts } from '../deadlines/project-open-files.ts';
import { projectOpenFiles } from '../deadlines/project-open-files.ts';
import type { AuditLog, Clock, DeadlineNote, Desk, DeskLedger, Metrics } from '../ports.ts';
import { describeShortfalls } from './describe-shortfalls.ts';

export interface WatchDeadlinesPorts extends ProjectionPorts {
  ledger: ProjectionPorts['ledger'] & Pick<DeskLedger, 'getDeadlineNote' | 'saveDeadlineNote'>;
  /** The feed whose deadline is watched. */
  feed: ProjectedFeed;
  /** Names of the other feeds that send to its API: their files wait for the same limiter. */
  sharing: readonly string[];
  stackName: string;
  desk: Desk;
  metricsOf: (feed: string) => Metrics;
  clock: Clock;
  log: AuditLog;
}

/** The desk is notified again of a missed deadline only if the number of late records has grown by this factor. */
const worseByFactor = 2;
/** Projections fluctuate: the all-clear, after which the next miss is news again, requires this margin. Seconds. */
const allClearSeconds = 600;

/** Notifies alarm and desk, hours ahead, of files that won't be done by their feed's deadline. */
export async function watchDeadlines(ports: WatchDeadlinesPorts): Promise<void> {
  const { feed, sharing } = ports;
  if (feed.deadline === undefined) return;
  const others = sharing.map((name) => ({ feed: name, api: feed.api, limit: feed.limit }));
  const [line] = await projectOpenFiles([feed, ...others], ports);
  const files = line?.files.filter((file) => file.feed === feed.feed) ?? [];
  putMargin(feed.feed, files, ports);
  await notifyOfDeadlines(feed, files, line, ports);
}

/** Reports the smallest margin. Reports nothing if no file is open, so that the alarm resets by itself. */
function putMargin(feed: string, files: readonly Projection[], { metricsOf }: WatchDeadlinesPorts): void {
  const margins = files.flatMap(({ marginSeconds }) => marginSeconds ?? []);
  if (margins.length === 0) return;
  const metrics = metricsOf(feed);
  metrics.add('DeadlineMarginSeconds', Math.min(...margins));
  metrics.flush();
}

/** The message first, then the note that it was sent: a run that dies between them notifies twice rather than never. */
async function notifyOfDeadlines(
  feed: ProjectedFeed,
  files: readonly Projection[],
  line: Pick<ProjectedLine, 'breaker' | 'limit' | 'paused'> | undefined,
  ports: WatchDeadlinesPorts,
): Promise<void> {
  const { ledger, desk, clock, log, stackName } = ports;
  const shortfalls = shortfallsOf(files);
  const told = (await ledger.getDeadlineNote(feed.feed))?.told ?? [];
  const now = clock.now();
  if (shortfalls.some((shortfall) => isNews(shortfall, told))) {
    const { subject, text } = describeShortfalls({
      ...{ feed, shortfalls, stackName, now, breaker: line?.breaker, limit: line?.limit },
      pause: line?.paused.find((pause) => pause.feed === feed.feed),
    });
    await desk.notify(subject, text);
    await ledger.saveDeadlineNote(feed.feed, { told: noted(shortfalls, told), at: now });
    log.warn('desk notified of a deadline at risk', { feed: feed.feed, late_by_seconds: shortfalls[0]?.lateBySeconds });
  } else if (told.length > 0 && isClear(files)) {
    await ledger.saveDeadlineNote(feed.feed, { told: [], at: now });
    log.info('deadline no longer at risk', { feed: feed.feed });
  }
}

function isNews({ deadlineAt, missingRecords }: Shortfall, told: DeadlineNote['told']): boolean {
  const before = told.find((each) => each.deadlineAt === deadlineAt);
  return before === undefined || missingRecords > worseByFactor * Math.max(1, before.missingRecords);
}

/** Includes earlier ones: a deadline that is just met now may be missed again. */
function noted(shortfalls: readonly Shortfall[], told: DeadlineNote['told']): DeadlineNote['told'] {
  const now = shortfalls.map(({ deadlineAt, missingRecords }) => ({ deadlineAt, missingRecords }));
  return [...told.filter((each) => !now.some(({ deadlineAt }) => deadlineAt === each.deadlineAt)), ...now];
}

function isClear(files: readonly Projection[]): boolean {
  return files.every(({ marginSeconds }) => marginSeconds === undefined || marginSeconds >= allClearSeconds);
}
