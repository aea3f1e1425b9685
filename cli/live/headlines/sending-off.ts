import type { Facts } from '../facts.ts';
import { sendingOffText } from '../sending-off.ts';
import type { Headline } from '../snapshot.ts';

/** Switched off outside of Sluice, which knows nothing of the reason. */
export function sendingOffHeadlines({ sendingOff }: Facts): Headline[] {
  return sendingOff.map((off) => ({
    ...{ kind: 'sending-off', tone: 'alarm', text: sendingOffText(off), feeds: [off.feed], file_id: null },
  }));
}
