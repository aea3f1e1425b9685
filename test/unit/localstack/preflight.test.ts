import { describe, expect, it } from 'vitest';
import type { MachineFound, PythonFound } from '../../../localstack/preflight.ts';
import { checkPort, chooseCloud } from '../../../localstack/preflight.ts';

const python = (over: Partial<PythonFound> = {}): PythonFound => ({
  command: 'python3',
  version: [3, 12],
  hasVenv: true,
  hasEnsurepip: true,
  ...over,
});
const machine = (over: Partial<MachineFound> = {}): MachineFound => ({
  pythons: [python()],
  dockerFault: 'not installed',
  ...over,
});

function sentenceOf(found: MachineFound, forced?: string): string {
  const choice = chooseCloud(found, forced);
  if (choice.kind !== 'none') throw new Error(`chose ${choice.kind}`);
  return choice.sentence;
}

describe('the choice of a local cloud', () => {
  it('is MiniStack if Python is suitable, with or without Docker', () => {
    expect(chooseCloud(machine({ dockerFault: null }), undefined)).toEqual({ kind: 'ministack', python: 'python3' });
  });

  it('skips interpreters that are too old or without venv', () => {
    const pythons = [
      python({ command: 'python3', version: [3, 9] }),
      python({ command: 'python3.11', hasEnsurepip: false }),
      python({ command: 'python3.10', version: [3, 10] }),
    ];
    expect(chooseCloud(machine({ pythons }), undefined)).toEqual({ kind: 'ministack', python: 'python3.10' });
  });

  it('is Docker if only Docker is available, or if it is requested', () => {
    expect(chooseCloud(machine({ pythons: [], dockerFault: null }), undefined)).toEqual({ kind: 'docker' });
    expect(chooseCloud(machine({ dockerFault: null }), 'docker')).toEqual({ kind: 'docker' });
  });

  it('names the Debian package if the venv module is missing', () => {
    const pythons = [python({ version: [3, 11], hasEnsurepip: false })];
    expect(sentenceOf(machine({ pythons }))).toContain('apt-get install python3.11-venv');
  });

  it('names the required Python if the installed one is too old or missing', () => {
    expect(sentenceOf(machine({ pythons: [python({ version: [3, 9] })] }))).toMatch(/3\.10 or newer.*is 3\.9/);
    expect(sentenceOf(machine({ pythons: [] }))).toMatch(/none on the PATH/);
  });

  it('explains why Docker can not be used', () => {
    expect(sentenceOf(machine({ dockerFault: 'not running' }), 'docker')).toContain('daemon does not answer');
    expect(sentenceOf(machine({ dockerFault: 'no compose plugin' }), 'docker')).toContain('compose plugin');
    expect(sentenceOf(machine({ pythons: [], dockerFault: 'not installed' }))).toContain('Docker is not installed');
  });

  it('does not fall back on Docker if MiniStack is requested', () => {
    expect(sentenceOf(machine({ pythons: [], dockerFault: null }), 'ministack')).not.toContain('Docker');
  });

  it('refuses an unknown cloud', () => {
    expect(sentenceOf(machine(), 'moto')).toContain("'moto'");
  });
});

describe('the check of a port', () => {
  it('names the port and what to do', () => {
    expect(checkPort(4566, 'free')).toBeNull();
    expect(checkPort(4566, 'taken')).toMatch(/4566 is taken.*--port 4567/);
    expect(checkPort(65535, 'taken')).not.toContain('65536');
    expect(checkPort(80, 'forbidden')).toMatch(/80.*above 1023/);
  });
});
