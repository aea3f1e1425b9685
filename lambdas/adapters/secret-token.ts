import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { UnusableSecretError } from '../core/errors.ts';
import type { TokenSource } from '../ports.ts';
import { untilAborted } from './until-aborted.ts';

/** A request waits for the token, and the SDK's own retries would take minutes. Milliseconds. */
const readLimitMs = 10_000;

/** For a sink without a token. */
export const noToken: TokenSource = { token: () => Promise.resolve(''), refresh: () => Promise.resolve('') };

/** The Bearer token in Secrets Manager: read once per process, and again when the API refuses it and before each probe. */
export class SecretToken implements TokenSource {
  readonly #client: SecretsManagerClient;
  readonly #secretId: string;
  readonly #limitMs: number;
  #token: Promise<string> | undefined;
  #version: string | undefined;

  /** @param limitMs limit per read, in place of the default */
  constructor(client: SecretsManagerClient, secretId: string, limitMs = readLimitMs) {
    this.#client = client;
    this.#secretId = secretId;
    this.#limitMs = limitMs;
  }

  token(): Promise<string> {
    return (this.#token ??= this.#read());
  }

  refresh(): Promise<string> {
    this.#token = this.#read();
    return this.#token;
  }

  version(): string | undefined {
    return this.#version;
  }

  async #read(): Promise<string> {
    try {
      const { SecretString: value, VersionId: version } = await this.#ask();
      const token = value?.trim() ?? '';
      const fault = value === undefined ? 'it holds no text' : faultOf(token);
      if (fault !== undefined) throw this.#unusable(fault);
      this.#version = version;
      return token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }

  async #ask() {
    const abortSignal = AbortSignal.timeout(this.#limitMs);
    const command = new GetSecretValueCommand({ SecretId: this.#secretId });
    try {
      return await untilAborted(this.#client.send(command, { abortSignal }), abortSignal);
    } catch (cause) {
      const why = abortSignal.aborted
        ? `Secrets Manager has not answered within ${this.#limitMs / 1000} s`
        : `it cannot be read (${cause instanceof Error ? cause.name : 'unknown error'})`;
      throw this.#unusable(why, cause);
    }
  }

  /** Names the secret without the ARN's account and random suffix, as `put-secret-value` takes it. */
  #unusable(fault: string, cause?: unknown): UnusableSecretError {
    const name = this.#secretId.replace(/^arn:.*:secret:/, '').replace(/-[A-Za-z0-9]{6}$/, '');
    return new UnusableSecretError(`the secret ${name} cannot be used: ${fault}`, { cause });
  }
}

/** What prevents a secret from being a token in a header; undefined if nothing does. Says nothing of the value. */
function faultOf(token: string): string | undefined {
  if (token === '') return 'it is empty';
  // The console creates JSON for a secret that is entered as key and value.
  if (/^[{["]/.test(token)) return 'it is JSON or in quotation marks; store the bare token as plain text';
  if (/[\r\n]/.test(token)) return 'it has a line break inside';
  if (/^bearer\s/i.test(token)) return "it begins with 'Bearer', which is added to each request; store the token alone";
  if (/\s/.test(token)) return 'it has a space inside';
  if (/\p{Cc}/u.test(token)) return 'it has a control character inside';
  if (!/^[\x21-\x7e]+$/.test(token)) return 'it has a character that no HTTP header can carry';
  return undefined;
}
