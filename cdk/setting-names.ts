import type { Environment } from './feed-environment.ts';
import { variableName } from './feed-environment.ts';
import type { FeedSetting } from './stages/feed-numbers.ts';
import type { StageNumbers } from './stages/stage-numbers.ts';

/** Settings by the names under which they were given: a person searches for the name that they wrote. */
export class SettingNames {
  readonly #environment: Environment;
  readonly #numbers: Partial<StageNumbers>;

  constructor(environment: Environment, numbers: Partial<StageNumbers>) {
    this.#environment = environment;
    this.#numbers = numbers;
  }

  /** Of a feed: its variable, unless only the stage's file sets it. */
  ofFeed(feed: string, setting: FeedSetting): string {
    const variable = variableName(feed, setting);
    return this.#isInFileAlone(variable, this.#numbers.feeds?.[feed]?.[setting])
      ? `feeds.${feed}.${setting} in the stage's file`
      : variable;
  }

  /** Of the whole stack. */
  ofStage(variable: string, setting: keyof StageNumbers): string {
    return this.#isInFileAlone(variable, this.#numbers[setting]) ? `${setting} in the stage's file` : variable;
  }

  #isInFileAlone(variable: string, ofFile: unknown): boolean {
    return ofFile !== undefined && (this.#environment[variable]?.trim() ?? '') === '';
  }
}
