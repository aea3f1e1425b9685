import { prod } from './prod.ts';
import type { StageNumbers } from './stage-numbers.ts';

const { deskEmail: _prodDesk, ...sizes } = prod;

/**
 * A rehearsal in AWS with prod's sizes. Its data is not evidence and may be deleted with the stack. It takes over neither
 * prod's APIs nor its desk: a rehearsal must not schedule real spots, nor mail the people who are on duty.
 */
export const staging: StageNumbers = {
  ...sizes,
  retainData: false,
  logRetentionDays: 30,
  feeds: {},
};
