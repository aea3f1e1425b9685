import { z } from 'zod';
import { chooseFeeds } from '../feeds/choose-feeds.ts';
import type { RegisteredFeed } from '../feeds/feed.ts';
import { checkSettings } from './check-settings.ts';
import { readEgress } from './egress-settings.ts';
import type { Environment } from './feed-environment.ts';
import { unknownVariables } from './known-variables.ts';
import { readFeed } from './read-feeds.ts';
import { readSecuritySettings } from './security-settings.ts';
import type { Settings } from './settings.ts';
import { SettingNames } from './setting-names.ts';
import { collectFaults, SettingsError } from './settings-error.ts';
import { readNumber } from './stages/feed-numbers.ts';
import type { StageName } from './stages/index.ts';
import { stages } from './stages/index.ts';
import type { StageNumbers } from './stages/stage-numbers.ts';
import { stageNumbers } from './stages/stage-numbers.ts';

export interface SettingsRequest {
  stage: StageName;
  stackName: string;
  version: string;
  /** All registered feeds; `SLUICE_FEEDS` selects from them. */
  feeds: readonly RegisteredFeed[];
  environment: Environment;
  /** In place of the stage's own. */
  numbers?: StageNumbers;
}

/**
 * A stage's settings, overridden by the environment, with what is derived from them. They are checked.
 * @throws SettingsError naming every setting that can't work
 */
export function readSettings(request: SettingsRequest): Settings {
  const {
    feeds: feedNumbers,
    deployedFeeds,
    ...stageWide
  } = parseNumbers(request.stage, request.numbers ?? stages[request.stage]);
  const faults: string[] = unknownVariables(request.feeds, request.environment);
  const quota = collectFaults(() => readFunctionQuota(request.environment), faults);
  const egress = collectFaults(() => readEgress(request.environment), faults) ?? stageWide.egress;
  const security = readSecuritySettings(stageWide, request.environment);
  faults.push(...security.faults);
  const numbers = { ...stageWide, egress, functionQuota: quota ?? stageWide.functionQuota, ...security.settings };
  const ofEnvironment = request.environment['SLUICE_FEEDS']?.trim() ?? '';
  const { chosen, unknown } = chooseFeeds(request.feeds, ofEnvironment || deployedFeeds?.join());
  const file = `cdk/stages/${request.stage}.ts`;
  const known = request.feeds.map((feed) => feed.name);
  if (unknown.length > 0) {
    const source = ofEnvironment === '' ? `${file}: deployedFeeds` : 'SLUICE_FEEDS';
    faults.push(`${source} names ${unknown.join(', ')}; feeds/index.ts has ${known.join(', ')}.`);
  }
  for (const name of Object.keys(feedNumbers).filter((each) => !known.includes(each))) {
    faults.push(`${file}: feeds has settings of ${name}; feeds/index.ts has ${known.join(', ')}.`);
  }
  const feeds = chosen.flatMap(
    (feed) => readFeed(feed, feedNumbers[feed.name], request.environment, numbers, faults) ?? [],
  );
  const { stage, stackName, version } = request;
  const deskEmail = collectFaults(() => readDeskEmail(request.environment), faults) ?? stageWide.deskEmail;
  const runbookUrl = collectFaults(() => readRunbookUrl(request.environment), faults) ?? stageWide.runbookUrl;
  const settings = {
    ...numbers,
    stage,
    stackName,
    version,
    feeds,
    ...(deskEmail === undefined ? {} : { deskEmail }),
    ...(runbookUrl === undefined ? {} : { runbookUrl }),
  };
  // Those that could be read are checked nevertheless, so that one run reports everything.
  const names = new SettingNames(request.environment, { ...stageWide, feeds: feedNumbers, deployedFeeds });
  collectFaults(() => checkSettings(settings, names), faults);
  if (faults.length > 0) throw new SettingsError(faults);
  return settings;
}

function readFunctionQuota(environment: Environment): number | undefined {
  const text = environment['SLUICE_FUNCTION_QUOTA']?.trim() ?? '';
  if (text === '') return undefined;
  const result = z.int().positive().safeParse(readNumber(text));
  if (result.success) return result.data;
  throw new SettingsError([`SLUICE_FUNCTION_QUOTA is '${text}'; it must be a whole number of functions, 1 or more.`]);
}

function readDeskEmail(environment: Environment): string | undefined {
  const text = environment['SLUICE_DESK_EMAIL']?.trim() ?? '';
  if (text === '') return undefined;
  if (z.email().safeParse(text).success) return text;
  throw new SettingsError([`SLUICE_DESK_EMAIL is '${text}'; it must be an email address.`]);
}

function readRunbookUrl(environment: Environment): string | undefined {
  const text = environment['SLUICE_RUNBOOK_URL']?.trim() ?? '';
  if (text === '') return undefined;
  if (z.url({ protocol: /^https$/ }).safeParse(text).success && !text.includes('#')) return text;
  throw new SettingsError([
    `SLUICE_RUNBOOK_URL is '${text}'; it must be the https:// address of docs/operations.md, without a fragment.`,
  ]);
}

function parseNumbers(stage: StageName, numbers: StageNumbers): StageNumbers {
  const result = stageNumbers.safeParse(numbers);
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    (issue) => `cdk/stages/${stage}.ts: ${issue.path.join('.')}: ${issue.message}.`,
  );
  throw new SettingsError(faults);
}
