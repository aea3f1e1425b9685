import { userInfo } from 'node:os';
import { CliError } from '../cli-error.ts';

/** Who decided something, and the reason: stored in the ledger and in the manifests that it concerns. */
export interface Who {
  by: string;
  why: string;
}

/** Characters of a reason: it is stored with each record or file that it concerns, and in their manifests. */
const maxWhy = 1_000;

/**
 * @param asked what the reason has to say: "why the file is stopped"
 * @throws CliError without a reason, with one that is too long, or if this machine does not know the user's name
 */
export function whoDecides({ by, why }: { by?: string; why: string }, asked: string): Who {
  const reason = why.trim();
  if (reason === '') throw new CliError(`State with --why ${asked}.`);
  if (reason.length > maxWhy) throw new CliError(`--why may have at most ${maxWhy} characters.`);
  return { by: whoIs(by), why: reason };
}

/** For a decision that returns things to normal: the reason may be left out. @throws CliError as `whoDecides` */
export function whoUndoes({ by, why }: { by?: string; why?: string }): { by: string; why?: string } {
  const reason = why?.trim() ?? '';
  return reason === '' ? { by: whoIs(by) } : whoDecides({ ...(by === undefined ? {} : { by }), why: reason }, '');
}

/** @throws CliError if this machine does not know the user's name */
export function whoIs(by: string | undefined): string {
  const name = by?.trim() ?? '';
  if (name !== '') return name;
  try {
    return userInfo().username;
  } catch (cause) {
    throw new CliError('State your name with --by: this machine has no user name for you.', { cause });
  }
}
