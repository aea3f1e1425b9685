import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { median } from '../interleave.ts';

export interface ColdStartFigures {
  function: string;
  /** Minified, without source map. */
  bundleBytes: number;
  /** Of loading the bundle and running its first lines, in a new process; median. */
  initMs: number;
  /** The same ÷ what Node itself takes to start and end, in the same run. */
  initOfNodeStart: number;
}

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const rounds = 7;

const template = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.looseObject({
        FunctionName: z.unknown().optional(),
        Code: z.looseObject({ S3Key: z.string().optional() }).optional(),
        Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }).optional(),
      }),
    }),
  ),
});

/** Bundles as they are deployed, each function of the stack once. */
export async function measureColdStarts(): Promise<ColdStartFigures[]> {
  const out = mkdtempSync(join(tmpdir(), 'sluice-bench-synth-'));
  try {
    const environment = {
      ...process.env,
      // The Node of the project, which runs TypeScript.
      PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
      SLUICE_TRAFFIC_API_URL: 'https://api.example',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    };
    await run(join(root, 'node_modules/.bin/cdk'), ['synth', '--quiet', '-o', out], { cwd: root, env: environment });
    const { Resources } = template.parse(JSON.parse(readFileSync(join(out, 'sluice-prod.template.json'), 'utf8')));
    const seen = new Set<string>();
    const figures: ColdStartFigures[] = [];
    for (const { Type, Properties } of Object.values(Resources)) {
      if (Type !== 'AWS::Lambda::Function' || typeof Properties.FunctionName !== 'string') continue;
      const name = Properties.FunctionName.replace('sluice-prod-', '');
      const hash = Properties.Code?.S3Key?.replace('.zip', '');
      if (hash === undefined || seen.has(hash)) continue;
      seen.add(hash);
      figures.push(
        await measure(name, join(out, `asset.${hash}`, 'index.mjs'), Properties.Environment?.Variables ?? {}),
      );
    }
    return figures;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function measure(name: string, bundle: string, variables: Record<string, unknown>): Promise<ColdStartFigures> {
  const environment: NodeJS.ProcessEnv = { PATH: process.env['PATH'], AWS_REGION: 'us-east-1' };
  // What only a deployed stack knows need not be there: nothing is asked at init.
  for (const [key, value] of Object.entries(variables)) if (key !== 'NODE_OPTIONS') environment[key] = textOf(value);
  const script = `const at = performance.now(); await import(${JSON.stringify(pathToFileURL(bundle).href)}); console.log(performance.now() - at); process.exit(0)`;
  const inits: number[] = [];
  const starts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env: environment });
    inits.push(Number(stdout));
    const before = performance.now();
    await run(process.execPath, ['-e', '0'], { env: environment });
    starts.push(performance.now() - before);
  }
  const initMs = median(inits);
  return {
    function: name,
    bundleBytes: statSync(bundle).size,
    initMs: Math.round(initMs),
    initOfNodeStart: Math.round((initMs / median(starts)) * 100) / 100,
  };
}

/** The text of a template's value, with a placeholder of the same form if only a deployed stack knows it. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const joined = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) }).safeParse(value);
  if (!joined.success) return 'https://sqs.us-east-1.example/1/q';
  const [separator, parts] = joined.data['Fn::Join'];
  return parts.map(textOf).join(separator);
}
