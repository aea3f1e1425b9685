import { Command } from 'commander';
import type { Terminal } from '../terminal/terminal.ts';
import { exportCommand } from './dlq/export.ts';
import { listCommand } from './dlq/list.ts';
import { redriveCommand } from './dlq/redrive.ts';
import { reingestCommand } from './dlq/reingest.ts';
import { resolveCommand } from './dlq/resolve.ts';
import { showCommand } from './dlq/show.ts';

/** The commands for dead letters; each has its own file in dlq/. */
export function dlqCommand(terminal: Terminal): Command {
  const group = new Command('dlq').description('List, retry and correct dead letters.');
  for (const command of [listCommand, showCommand, redriveCommand, exportCommand, reingestCommand, resolveCommand]) {
    group.addCommand(command(terminal));
  }
  return group;
}
