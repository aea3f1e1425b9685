import type { SendingOff } from '../live/sending-off.ts';
import { sendingOffText } from '../live/sending-off.ts';
import type { StackOutputs } from '../stack/stack-outputs.ts';
import { formatCountOf } from '../terminal/format.ts';
import { sluice } from '../terminal/sluice-command.ts';

export interface ObstaclePorts {
  outputs: Pick<StackOutputs, 'dlqs' | 'finalizeDlqUrl'>;
  /** Messages in a queue. */
  count: (url: string) => Promise<number>;
  /** The feed's functions that get no messages. */
  sendingOff: () => Promise<SendingOff[]>;
}

/**
 * Why a file may make no progress: functions that are switched off in AWS, or failed tasks in its DLQs. Sentences;
 * undefined if there is no reason.
 */
export async function findObstacle(ports: ObstaclePorts, feed: string): Promise<string | undefined> {
  const off = (await ports.sendingOff()).map(sendingOffText);
  const failed = await failedTasks(ports, feed);
  const found = [
    ...off,
    ...(failed.length === 0
      ? []
      : [
          `No progress for a while, and the DLQs hold ${failed.join(', ')}: ` +
            `\`${sluice} dlq list --feed ${feed}\` shows them.`,
        ]),
  ];
  return found.length === 0 ? undefined : found.join(' ');
}

async function failedTasks({ outputs, count }: ObstaclePorts, feed: string): Promise<string[]> {
  const { records, intake } = outputs.dlqs(feed);
  const queues = [
    ...intake.map(({ url }) => ['files that could not be split', url] as const),
    ...records.map(({ url }) => ['batches that killed their consumers', url] as const),
    ['files that could not be finalized', outputs.finalizeDlqUrl(feed)] as const,
  ];
  const found: string[] = [];
  for (const [what, url] of queues) {
    const messages = await count(url);
    if (messages > 0) found.push(`${formatCountOf(messages, 'message')} of ${what}`);
  }
  return found;
}
