import type { QueuedMessage } from '../ports.ts';

/** A message that this process has received, until its visibility timeout ends. */
export interface ReceivedMessage extends QueuedMessage {
  receiptHandle: string;
  /** The message group it was sent with, if any (fair queues). */
  groupId?: string;
}

/** Number of messages in a queue; SQS's counts are approximate. */
export interface QueueCounts {
  visible: number;
  /** In flight. */
  inFlight: number;
  delayed: number;
}

/** What moving messages between queues needs. */
export interface QueueAccess {
  count(url: string): Promise<QueueCounts>;
  /** Receives up to ten messages, hidden from other receivers for that time. @param waitSeconds for the first of them */
  receive(url: string, holdSeconds: number, waitSeconds: number): Promise<ReceivedMessage[]>;
  /**
   * Sends all of them with unchanged bodies. Returns the ids of the new messages, in the same order; undefined for each
   * that SQS did not accept.
   */
  send(url: string, messages: readonly Pick<ReceivedMessage, 'body' | 'groupId'>[]): Promise<(string | undefined)[]>;
  /** A message whose deletion fails becomes visible again. */
  remove(url: string, messages: readonly ReceivedMessage[]): Promise<void>;
  /** Makes the messages visible again at once. Those that SQS refuses become visible when their timeout ends. */
  release(url: string, messages: readonly ReceivedMessage[]): Promise<void>;
}

export const totalOf = ({ visible, inFlight, delayed }: QueueCounts): number => visible + inFlight + delayed;
