import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { acknowledgedFindings } from '../validators/acknowledged-findings.ts';
import type { Finding } from '../validators/findings.ts';
import { judgeFindings } from '../validators/findings.ts';
import { createStack } from './synthesise.ts';

const reportSchema = z.object({
  pluginReports: z.array(
    z.object({
      pluginName: z.string(),
      violations: z.array(
        z.object({ ruleName: z.string(), violatingConstructs: z.array(z.object({ constructPath: z.string() })) }),
      ),
    }),
  ),
});

const outdir = mkdtempSync(join(tmpdir(), 'sluice-rule-packs-'));
let packs: string[] = [];
let findings: Finding[] = [];

beforeAll(() => {
  const { app, stack } = createStack('prod', {}, { outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  synthesiseAll(app);
  const report = reportSchema.parse(JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')));
  packs = report.pluginReports.map(({ pluginName }) => pluginName);
  findings = report.pluginReports.flatMap(({ violations }) =>
    violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath }) =>
        findingOf(ruleName, constructPath.slice(stack.node.path.length + 1)),
      ),
    ),
  );
});

afterAll(() => rmSync(outdir, { recursive: true, force: true }));

/** The report is what counts: the synthesis fails, and marks its process failed, where there are findings. */
function synthesiseAll(app: App): void {
  const before = process.exitCode;
  try {
    app.synth();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ValidationFailed') throw error;
  } finally {
    process.exitCode = before;
  }
}

function findingOf(ruleName: string, where: string): Finding {
  const [, rule = ruleName, finding = ''] = /^([^[]+)\[(.*)\]$/.exec(ruleName) ?? [];
  return { by: 'cdk-nag', rule, template: 'prod', where, says: finding };
}

describe('the rule packs', () => {
  it('both ran', () => {
    expect(packs).toEqual(['AwsSolutions', 'Serverless']);
  });

  it('find nothing that isn’t explained', () => {
    expect(judgeFindings(findings, acknowledgedFindings, ['cdk-nag']).open).toEqual([]);
  });

  it('find everything that is explained: no explanation is stale', () => {
    expect(judgeFindings(findings, acknowledgedFindings, ['cdk-nag']).stale).toEqual([]);
  });

  it('are explained in the docs in the same words', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/security.md'), 'utf8').replace(/ +/g, ' ');
    for (const { by, rule, why } of acknowledgedFindings) expect(page).toContain(`| ${by} | ${rule} | ${why} |`);
  });
});
