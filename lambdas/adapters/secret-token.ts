import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { TokenSource } from '../ports.ts';
import { untilAborted } from './until-aborted.ts';

/** A request waits for the token, and the SDK's own retries would take minutes. Milliseconds. */
const readLimitMs = 10_000;

/** For a sink without a token. */
export const noToken: TokenSource = { token: () => Promise.resolve(''), refresh: () => Promise.resolve('') };

/** The Bearer token in Secrets Manager: read once per process, and again when the API refuses it. */
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
      const abortSignal = AbortSignal.timeout(this.#limitMs);
      const command = new GetSecretValueCommand({ SecretId: this.#secretId });
      const answer = await untilAborted(this.#client.send(command, { abortSignal }), abortSignal);
      const token = answer.SecretString?.trim() ?? '';
      // A header can carry only these characters; a leading quote or brace means JSON, which the console creates for a
      // secret entered as key and value. The value itself is never logged.
      if (!/^(?!["{[])[\x21-\x7e]+$/.test(token)) throw new Error(`The secret ${this.#secretId} is not a plain token.`);
      this.#version = answer.VersionId;
      return token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}
