import type { StageNumbers } from './stage-numbers.ts';
import { staging } from './staging.ts';

/** For `npm run smoke:aws`, which deploys it, tries it and deletes it: nothing of it is meant to stay. */
export const smoke: StageNumbers = {
  ...staging,
  signingKey: 'none',
  logRetentionDays: 1,
};
