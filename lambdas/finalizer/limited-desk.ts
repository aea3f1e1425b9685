import type { AuditLog, Clock, Desk, DeskLedger } from '../ports.ts';

export interface LimitedDeskPorts {
  ledger: Pick<DeskLedger, 'countNotice'>;
  desk: Desk;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
}

/** Per feed and kind. All feeds share the topic, which sends ten emails per second, to people who have to read them. */
export const maxNoticesAnHour = 20;

const hourMs = 60 * 60 * 1000;

/** What the messages are about: each kind has its own limit. */
export type NoticeKind = 'stopped' | 'duplicate' | 'revision';

/**
 * Limits a desk's messages per hour about a feed's files; the last message says that there may be more. A thousand wrong
 * files must not bury the messages of other feeds.
 */
export function limitedDesk(feed: string, kind: NoticeKind, { ledger, desk, clock, log }: LimitedDeskPorts): Desk {
  return {
    async notify(subject, text) {
      const hour = Math.floor(clock.now() / hourMs);
      const count = await ledger.countNotice(feed, kind, hour).catch((error: unknown) => {
        // An extra message does less harm than a missing one.
        log.error('notifications could not be counted', { feed, error });
        return 1;
      });
      if (count > maxNoticesAnHour)
        return log.warn('desk not notified: too many messages in this hour', { feed, subject });
      const next = new Date((hour + 1) * hourMs).toISOString().slice(11, 16);
      const last = `This was message ${count} about files of '${feed}' in this hour: more files may be affected, and no more messages\nabout them are sent before ${next} UTC. To list all of them: sluice status\n`;
      await desk.notify(subject, count < maxNoticesAnHour ? text : `${text}\n${last}`);
    },
  };
}
