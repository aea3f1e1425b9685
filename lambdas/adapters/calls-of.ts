import { Buffer } from 'node:buffer';
import { inGroups } from '../core/in-groups.ts';

/** SQS: 10 messages and 1 MiB per call (quotas of SendMessageBatch); some room is left for the envelope. */
export const perCall = 10;
const maxCallBytes = 1_000_000;

/** Groups messages into as few calls as SQS allows, in their order. */
export function callsOf<Message extends { body: string }>(messages: readonly Message[]): Message[][] {
  return [...inGroups(messages, { count: perCall, size: maxCallBytes }, ({ body }) => Buffer.byteLength(body))];
}
