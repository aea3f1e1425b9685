import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { z } from 'zod';
import { feeds } from '../feeds/index.ts';
import { measureTemplate, quotaExcesses } from './measure-template.ts';
import { SettingsError } from './settings-error.ts';
import { readSettings } from './settings.ts';
import { SluiceStack } from './sluice-stack.ts';
import type { StageName } from './stages/index.ts';
import { stages } from './stages/index.ts';

const root = resolve(import.meta.dirname, '..');
const app = new App();

const isStage = (name: string): name is StageName => Object.hasOwn(stages, name);
const context = (name: string): string | undefined => z.string().optional().parse(app.node.tryGetContext(name));

try {
  // A given endpoint is a local cloud, unless the context says otherwise.
  const stage = context('stage') ?? (process.env['AWS_ENDPOINT_URL'] ? 'local' : 'prod');
  if (!isStage(stage)) {
    throw new SettingsError([
      `stage is '${stage}'; it must be one of those in cdk/stages/index.ts: ${Object.keys(stages).join(', ')}.`,
    ]);
  }
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')));
  const settings = readSettings({
    stage,
    stackName: context('stack') ?? `sluice-${stage}`,
    version,
    feeds,
    environment: process.env,
  });
  const { stackName } = settings;
  new SluiceStack(app, stackName, { settings, root });
  const excesses = quotaExcesses(measureTemplate(app.synth().getStackByName(stackName).template, stackName));
  if (excesses.length > 0) throw new SettingsError(excesses);
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  // The sentences, without a stack trace under them.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
