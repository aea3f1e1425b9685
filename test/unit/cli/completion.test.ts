import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { feeds } from '../../../feeds/index.ts';

const sluice = resolve(import.meta.dirname, '../../../cli/sluice.ts');
const dir = mkdtempSync(join(tmpdir(), 'sluice-completion-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const feedsWith = (start: string): string[] =>
  feeds
    .map(({ name }) => name)
    .filter((name) => name.startsWith(start))
    .sort();

const scripts: Record<string, string> = {};
beforeAll(() => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    scripts[shell] = join(dir, `sluice.${shell}`);
    writeFileSync(scripts[shell], execFileSync(process.execPath, [sluice, 'completion', shell]));
  }
  writeFileSync(join(dir, 'an export.csv'), '');
});

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

const run = (shell: string, args: readonly string[]): string[] =>
  execFileSync(shell, args, { cwd: dir, encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '');

/** What each shell offers for a command line whose last word is being typed. */
const shells: Record<string, (words: readonly string[]) => string[]> = {
  bash: (words) => {
    const typed = words.map((word) => `'${word}'`).join(' ');
    const script = `. ${scripts['bash']}; COMP_WORDS=(sluice ${typed}); COMP_CWORD=${words.length}; _sluice`;
    return run('bash', ['--norc', '-c', `${script}; printf '%s\\n' "\${COMPREPLY[@]}"`]);
  },
  // zsh completes in its line editor only: here stand-ins print what would be offered, and the prefix is applied to it.
  zsh: (words) => {
    const typed = words.map((word) => `'${word}'`).join(' ');
    const standIns = `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { print -l *; }
      _describe() { print -l -- "\${(@)offered%%:*}"; }; compset() { PREFIX=\${PREFIX#*=}; }`;
    const script = `${standIns}; . ${scripts['zsh']}; words=(sluice ${typed}); CURRENT=${words.length + 1}`;
    const offered = run('zsh', ['-f', '-c', `${script}; PREFIX='${words.at(-1)}'; _sluice; print -- "=$PREFIX"`]);
    const prefix = offered.pop()?.slice(1) ?? '';
    return offered.filter((word) => word.startsWith(prefix));
  },
  fish: (words) => {
    const line = ['sluice', ...words].join(' ');
    const lines = run('fish', ['--no-config', '-c', `source ${scripts['fish']}; complete -C '${line}'`]);
    return lines.map((each) => (each.split('\t')[0] ?? '').replace(/^--feed=/, ''));
  },
};

describe.each(Object.keys(shells))('completion in %s', (shell) => {
  const complete = (...words: string[]): string[] => [...new Set(shells[shell]?.(words))].sort();

  it.skipIf(!has(shell)).each<[string, string[], string[]]>([
    ['a command', ['sta'], ['status']],
    ['a group', ['dl'], ['dlq']],
    ['a command of a group', ['dlq', 'red'], ['redrive']],
    ['an option', ['status', '--si'], ['--since']],
    ['an option of every command', ['dlq', 'list', '--st'], ['--stack']],
    ['a feed', ['status', '--feed', 't'], feedsWith('t')],
    [
      'a feed after an equals sign',
      ['status', ...(shell === 'bash' ? ['--feed', '=', 'tr'] : ['--feed=tr'])],
      feedsWith('tr'),
    ],
    ['a state', ['status', '--state', 'q'], ['quarantined']],
    ['an argument', ['completion', 'b'], ['bash']],
    ['a command after a global option', ['--quiet', 'rel'], ['release']],
    ['nothing for a free text', ['release', '7c28', '--why', 'x'], []],
  ])('offers %s', (_, words, offered) => {
    expect(complete(...words)).toEqual(offered);
  });

  it.skipIf(!has(shell))('offers files for arguments that are files, and only there', () => {
    expect(complete('drop', 'an').map((path) => path.replaceAll('\\', ''))).toEqual(['an export.csv']);
    expect(complete('status', 'an')).toEqual([]);
    expect(complete('up', 'an')).toEqual([]);
  });
});

it('refuses another shell with the list of shells', () => {
  const { status, stderr } = spawnSync(process.execPath, [sluice, 'completion', 'tcsh'], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toContain('Allowed choices are bash, zsh, fish');
});
