import { basename } from 'node:path';
import { z } from 'zod';
import type { AcknowledgedFinding, Validator } from './acknowledged-findings.ts';

/** What a validator says about a resource of a template. */
export interface Finding {
  by: Validator;
  rule: string;
  /** The template's name in the matrix of settings. */
  template: string;
  /** The resource's logical id, or the construct's path if cdk-nag reports one; empty for the whole template. */
  where: string;
  /** The validator's own words. */
  says: string;
}

const cfnLintReport = z.array(
  z.object({
    Filename: z.string(),
    Message: z.string(),
    Rule: z.object({ Id: z.string() }),
    Location: z.object({ Path: z.array(z.union([z.string(), z.number()])).nullable() }),
  }),
);

export function readCfnLint(report: string): Finding[] {
  return cfnLintReport.parse(JSON.parse(report)).map(({ Filename, Message, Rule, Location }) => ({
    by: 'cfn-lint',
    rule: Rule.Id,
    template: basename(Filename, '.json'),
    where: String(Location.Path?.[1] ?? ''),
    says: Message,
  }));
}

const checkovReport = z.object({
  results: z.object({
    failed_checks: z.array(
      z.object({ check_id: z.string(), check_name: z.string(), file_path: z.string(), resource: z.string() }),
    ),
  }),
  summary: z.object({ parsing_errors: z.int() }),
});

/** @throws Error where checkov could not read a template: it would report nothing about it */
export function readCheckov(report: string): Finding[] {
  const { results, summary } = checkovReport.parse(JSON.parse(report));
  if (summary.parsing_errors > 0) throw new Error(`checkov could not read ${summary.parsing_errors} templates.`);
  return results.failed_checks.map(({ check_id: rule, check_name: says, file_path: path, resource }) => ({
    by: 'checkov',
    rule,
    template: basename(path, '.json'),
    where: resource.slice(resource.lastIndexOf('.') + 1),
    says,
  }));
}

const parliamentReport = z.array(
  z.object({ template: z.string(), where: z.string(), rule: z.string(), message: z.string() }),
);

export function readParliament(report: string): Finding[] {
  return parliamentReport
    .parse(JSON.parse(report))
    .map(({ message, ...finding }) => ({ by: 'parliament', ...finding, says: message }));
}

export const isAbout = (known: AcknowledgedFinding, { by, rule, template, where, says }: Finding): boolean =>
  known.by === by &&
  known.rule === rule &&
  (known.where?.test(where) ?? true) &&
  (known.template?.test(template) ?? true) &&
  (known.finding?.test(says) ?? true);

/**
 * @param asked the validators that were run: what others found is not expected
 * @returns findings without an acknowledgement, and acknowledgements that no longer match a finding
 */
export function judgeFindings(
  findings: readonly Finding[],
  acknowledged: readonly AcknowledgedFinding[],
  asked: readonly Validator[],
): { open: Finding[]; stale: AcknowledgedFinding[] } {
  const known = acknowledged.filter(({ by }) => asked.includes(by));
  return {
    open: findings.filter((found) => !known.some((each) => isAbout(each, found))),
    stale: known.filter((each) => !findings.some((found) => isAbout(each, found))),
  };
}
