import { Buffer } from 'node:buffer';

/** SQS: 10 messages and 1 MiB per call (quotas of SendMessageBatch); some room is left for the envelope. */
export const perCall = 10;
const maxCallBytes = 1_000_000;

/** Groups messages into as few calls as SQS allows, in their order. */
export function callsOf<Message extends { body: string }>(messages: readonly Message[]): Message[][] {
  const calls: Message[][] = [];
  let callBytes = 0;
  for (const message of messages) {
    const bytes = Buffer.byteLength(message.body);
    const last = calls.at(-1);
    if (last && last.length < perCall && callBytes + bytes <= maxCallBytes) {
      last.push(message);
      callBytes += bytes;
    } else {
      calls.push([message]);
      callBytes = bytes;
    }
  }
  return calls;
}
