import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Annotations, App, CfnWaitConditionHandle, Stack } from 'aws-cdk-lib';
import { z } from 'zod';
import { feeds } from '../feeds/index.ts';
import { measureTemplate, quotaExcesses } from './measure-template.ts';
import { SettingsError } from './settings-error.ts';
import { readSettings } from './read-settings.ts';
import { SluiceStack } from './sluice-stack.ts';
import type { StageName } from './stages/index.ts';
import { stages } from './stages/index.ts';

const root = resolve(import.meta.dirname, '..');
const app = new App();

const isStage = (name: string): name is StageName => Object.hasOwn(stages, name);
const context = (name: string): string | undefined => z.string().optional().parse(app.node.tryGetContext(name));

// A given endpoint is a local cloud, unless the context says otherwise.
const stage = context('stage') ?? (process.env['AWS_ENDPOINT_URL'] ? 'local' : 'prod');
const stackName = context('stack') ?? `sluice-${stage}`;

try {
  if (!isStage(stage)) {
    throw new SettingsError([
      `stage is '${stage}'; it must be one of those in cdk/stages/index.ts: ${Object.keys(stages).join(', ')}.`,
    ]);
  }
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')));
  const settings = readSettings({ stage, stackName, version, feeds, environment: process.env });
  const stack = new SluiceStack(app, stackName, { settings, root, isProtected: context('protection') !== 'off' });
  refuse(stack, quotaExcesses(measureTemplate(app.synth().getStackByName(stackName).template, stackName)));
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  // `cdk bootstrap` runs the app as well: without a stack it would fail, though it needs no settings.
  const standIn = new Stack(app, /^[a-z][a-z0-9-]*$/i.test(stackName) ? stackName : 'sluice');
  // A template without any resource has a fault of its own.
  new CfnWaitConditionHandle(standIn, 'Nothing');
  refuse(standIn, error.faults);
}

/** The CDK shows these sentences as the stack's errors, and neither synthesises, compares nor deploys it. */
function refuse(stack: Stack, faults: readonly string[]): void {
  for (const fault of faults) Annotations.of(stack).addError(fault);
  if (faults.length > 0) app.synth({ force: true });
}
