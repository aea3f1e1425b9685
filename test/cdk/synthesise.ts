import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AppProps } from 'aws-cdk-lib';
import { App } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { z } from 'zod';
import type { Settings } from '../../cdk/settings.ts';
import { readSettings } from '../../cdk/read-settings.ts';
import { SluiceStack } from '../../cdk/sluice-stack.ts';
import type { StageName } from '../../cdk/stages/index.ts';
import type { RegisteredFeed } from '../../feeds/feed.ts';
import { feeds } from '../../feeds/index.ts';

const root = resolve(import.meta.dirname, '../..');
const cdkJson = z
  .object({ context: z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(readFileSync(resolve(root, 'cdk.json'), 'utf8')));

const resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
});
export type Resource = z.infer<typeof resource>;

export interface Synthesised {
  template: Template;
  resources: Record<string, Resource>;
  outputs: Record<string, unknown>;
  /** Warnings and errors of the synthesis. */
  complaints: unknown[];
  text: string;
}

/** The stack as `cdk synth` makes it, but for the functions' bundles. */
export function createStack(
  stage: StageName,
  environment: Record<string, string> = {},
  appProps: AppProps = {},
  of: readonly RegisteredFeed[] = feeds,
  stackName = `sluice-${stage}`,
): { app: App; stack: SluiceStack; settings: Settings } {
  const app = new App({
    ...appProps,
    context: { ...cdkJson.context, 'aws:cdk:bundling-stacks': [], ...appProps.context },
  });
  const settings = readSettings({
    stage,
    stackName,
    version: '1.2.3',
    feeds: of,
    environment: {
      SLUICE_FEEDS: 'traffic',
      // A variable of a feed that there is not is refused.
      ...(of.some(({ name }) => name === 'traffic') ? { SLUICE_TRAFFIC_API_URL: 'https://avstar.example/v1' } : {}),
      ...environment,
    },
  });
  return { app, settings, stack: new SluiceStack(app, settings.stackName, { settings, root }) };
}

/** Its template. */
export function synthesise(stage: StageName, environment: Record<string, string> = {}): Synthesised {
  const { stack } = createStack(stage, environment);
  const template = Template.fromStack(stack);
  const json = z
    .looseObject({
      Resources: z.record(z.string(), resource),
      Outputs: z.record(z.string(), z.object({ Value: z.unknown() })),
    })
    .parse(template.toJSON());
  const annotations = Annotations.fromStack(stack);
  return {
    template,
    resources: json.Resources,
    outputs: Object.fromEntries(Object.entries(json.Outputs).map(([name, output]) => [name, output.Value])),
    complaints: [...annotations.findWarning('*', Match.anyValue()), ...annotations.findError('*', Match.anyValue())],
    text: JSON.stringify(json),
  };
}

export function ofType(resources: Record<string, Resource>, type: string): [string, Resource['Properties']][] {
  return Object.entries(resources)
    .filter(([, { Type }]) => Type === type)
    .map(([id, { Properties }]) => [id, Properties]);
}

/** The id that `{ Ref }` or `{ 'Fn::GetAtt' }` points to. */
export function targetOf(reference: unknown): string {
  const parsed = z
    .union([z.strictObject({ Ref: z.string() }), z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) })])
    .parse(reference);
  return 'Ref' in parsed ? parsed.Ref : parsed['Fn::GetAtt'][0];
}

/** A value as CloudFormation would make it, with a made-up URL or name in place of what only a deploy knows. */
export function resolved(value: unknown): string {
  if (typeof value === 'string') return value;
  const join = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) }).safeParse(value);
  if (join.success) return join.data['Fn::Join'][1].map(resolved).join(join.data['Fn::Join'][0]);
  return `https://made-up.example/${targetOf(value)}`;
}
