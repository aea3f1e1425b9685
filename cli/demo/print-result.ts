import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { DeadMessage } from '../dlq/dead-message.ts';
import { formatDeadMessages } from '../show/dlq-table.ts';
import { formatManifest } from '../show/manifest-table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Check } from './check-demo.ts';
import { demo } from './demo-settings.ts';
import { sluice } from '../terminal/sluice-command.ts';

export interface DemoResult {
  manifest: Manifest;
  checks: readonly Check[];
  letters: readonly DeadMessage[];
  stackName: string;
  /** No other stack is up here, so that commands need no `--stack`. */
  alone: boolean;
  /** The endpoint was running before the demo and keeps running. */
  given: boolean;
}

/** Prints the demo's result: figures, checks, dead letters, and commands to continue with. */
export async function printResult(result: DemoResult, terminal: Terminal): Promise<void> {
  const { manifest, checks, letters, given } = result;
  const { columns, style } = terminal;
  const heading = (text: string): string => `\n${style('bold', text)}\n\n`;
  await terminal.print(`\n${formatManifest(manifest, terminal, columns)}`);
  await terminal.print(heading('Checked') + checks.map((check) => formatCheck(check, style)).join(''));
  await terminal.print(`\n${formatDeadMessages(letters, demo.feed, terminal, columns)}`);
  await terminal.print(heading('More') + formatFurther(manifest, result));
  if (!given) await terminal.print(`\nThe local cloud stays up; \`${sluice} down\` removes it.\n`);
  await terminal.print(`The fake API stopped with this demo. For files of your own, see \`${sluice} up --help\`.\n`);
  if (checks.every((check) => check.holds)) return;
  await terminal.print(`\n${style('red', 'Not every check passed: see above.')}\n`);
}

export function formatCheck({ holds, sentence }: Check, style: Terminal['style']): string {
  return `  ${holds ? style('green', 'yes') : style('red', 'NO ')}  ${sentence}\n`;
}

function formatFurther({ file_id }: Manifest, { stackName, alone }: DemoResult): string {
  const command = `${sluice}${alone ? '' : ` --stack ${stackName}`}`;
  const commands = [
    ['files in progress and done:', 'status'],
    ['a report about this file, as a page:', `report ${file_id}`],
    ['its manifest, for an auditor:', `manifest ${file_id}`],
    ['what happened to each of its records:', `receipts ${file_id} | head`],
    ['its dead letters, raw:', `dlq list --feed ${demo.feed} --json`],
  ];
  return commands.map(([what, args]) => `  ${what}\n    ${command} ${args}\n`).join('');
}
