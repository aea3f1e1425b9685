import { drill } from './drill.ts';
import { local } from './local.ts';
import { prod } from './prod.ts';
import { smoke } from './smoke.ts';
import { staging } from './staging.ts';

/** What `-c stage=NAME` can name. */
export const stages = { local, drill, smoke, staging, prod };
export type StageName = keyof typeof stages;
