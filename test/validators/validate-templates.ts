import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { checkoutVenvDir } from '../../localstack/endpoint.ts';
import { LocalCloudError } from '../../localstack/local-cloud-error.ts';
import { choosePython } from '../../localstack/preflight.ts';
import { probeMachine } from '../../localstack/probe-machine.ts';
import { chooseVenvDir, ensureVenv, findVenv, removeAbandonedDrafts } from '../../localstack/python-venv.ts';
import { stateDirOf } from '../../cli/stack/state-dir.ts';
import { createStack } from '../cdk/synthesise.ts';
import type { Validator } from './acknowledged-findings.ts';
import { acknowledgedFindings } from './acknowledged-findings.ts';
import { controlName, controlTemplate } from './control-template.ts';
import { documentedPolicies } from './documented-policies.ts';
import type { Finding } from './findings.ts';
import { judgeFindings, readCfnLint, readCheckov, readParliament } from './findings.ts';
import { settingsMatrix } from './settings-matrix.ts';
import { templatePolicies } from './template-policies.ts';

/** One region of each partition, and two of the one that most use. */
const regions = ['us-east-1', 'eu-central-1', 'us-gov-west-1', 'cn-north-1'];
const asked = ['cfn-lint', 'checkov', 'parliament'] as const satisfies Validator[];
const requirements = join(import.meta.dirname, 'requirements.txt');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const folder = mkdtempSync(join(tmpdir(), 'sluice-templates-'));
try {
  const python = await findPython();
  process.exitCode = python === undefined ? 1 : await validate(python);
} catch (error) {
  if (!(error instanceof LocalCloudError)) throw error;
  say(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The validators' environment, installed if it is missing. Undefined, with a message, without a suitable Python. */
async function findPython(): Promise<string | undefined> {
  const dir = chooseVenvDir(checkoutVenvDir, stateDirOf(process.env), requirements);
  const made = findVenv({ dir, requirements });
  if (made) return made;
  removeAbandonedDrafts(dir);
  const choice = choosePython((await probeMachine(process.env)).pythons, 'Checking the templates');
  if (choice.kind === 'none') {
    say(choice.sentence);
    return undefined;
  }
  return ensureVenv({ dir, requirements, python: choice.python, name: asked.join(', '), onProgress: say });
}

/** @returns the exit code */
async function validate(python: string): Promise<number> {
  const templates = new Map<string, unknown>([[controlName, controlTemplate]]);
  for (const { name, stage, environment, of } of settingsMatrix) {
    templates.set(name, Template.fromStack(createStack(stage, environment, {}, of).stack).toJSON());
  }
  const files = [...templates.keys()].map((name) => join(folder, `${name}.json`));
  for (const [name, json] of templates) writeFileSync(join(folder, `${name}.json`), JSON.stringify(json, null, 1));
  const findings = await findAll(python, files, templates);
  const blind = asked.filter((by) => !findings.some((found) => found.by === by && found.template === controlName));
  for (const by of blind) say(`${by} found nothing wrong with the control template: it does not check what it should.`);
  const { open, stale } = judgeFindings(
    findings.filter(({ template }) => template !== controlName),
    acknowledgedFindings,
    asked,
  );
  for (const { by, rule, template, where, says } of open) say(`${by} ${rule}: ${template}: ${where}: ${says}`);
  for (const { by, rule, where } of stale) {
    say(
      `${by} ${rule}${where ? ` ${where}` : ''}: acknowledged, and no longer found: remove it from acknowledged-findings.ts.`,
    );
  }
  const faults = blind.length + open.length + stale.length;
  say(
    `Checked ${settingsMatrix.length} templates and the policies of docs/iam with ${asked.join(', ')}: ` +
      (faults === 0
        ? 'every finding is acknowledged.'
        : `${faults} faults. Fix each, or acknowledge it with a reason.`),
  );
  return faults === 0 ? 0 : 1;
}

async function findAll(python: string, files: string[], templates: Map<string, unknown>): Promise<Finding[]> {
  const policies = [
    ...[...templates].flatMap(([template, json]) => templatePolicies(json).map((each) => ({ template, ...each }))),
    ...documentedPolicies(),
  ];
  // Run by the interpreter: the script itself names the path that it had while it was installed.
  const script = (name: string): string => join(dirname(python), name);
  const found = await Promise.all([
    outputOf(python, [script('cfn-lint'), '--format', 'json', '--regions', ...regions, '--template', ...files]).then(
      readCfnLint,
    ),
    // Without --skip-download it would ask a service for its guidelines.
    outputOf(python, [
      ...[script('checkov'), '--framework', 'cloudformation', '--directory', folder, '--output', 'json'],
      ...['--compact', '--quiet', '--skip-download', '--soft-fail'],
    ]).then(readCheckov),
    outputOf(python, [join(import.meta.dirname, 'lint_policies.py')], JSON.stringify(policies)).then(readParliament),
  ]);
  return found.flat();
}

/** @throws Error with the end of its output, if a validator has written no report */
function outputOf(command: string, args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 2 ** 28, encoding: 'utf8' }, (error, stdout, stderr) => {
      // They exit with a code other than 0 if they have findings.
      if (stdout.trim() !== '') resolve(stdout);
      else reject(new Error(`${command} wrote nothing: ${stderr.slice(-1000)}`, { cause: error }));
    });
    child.stdin?.end(input);
  });
}
