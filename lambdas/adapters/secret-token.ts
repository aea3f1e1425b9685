import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { TokenSource } from '../ports.ts';
import { untilAborted } from './until-aborted.ts';

/** A request waits for the token: the SDK's own tries would take minutes. Milliseconds. */
const readLimitMs = 10_000;

/** For a sink that asks for none. */
export const noToken: TokenSource = { token: () => Promise.resolve(''), refresh: () => Promise.resolve('') };

/** The Bearer token as it lies in Secrets Manager, read once a process and again when the API turns it down. */
export class SecretToken implements TokenSource {
  readonly #client: SecretsManagerClient;
  readonly #secretId: string;
  readonly #limitMs: number;
  #token: Promise<string> | undefined;
  #version: string | undefined;

  /** @param limitMs of a read, in place of the usual one */
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
      // A header can carry these characters only; a quote or brace in front is JSON, as the console makes of a secret
      // entered by key and value. The value itself is told to nobody.
      if (!/^(?!["{[])[\x21-\x7e]+$/.test(token)) throw new Error(`The secret ${this.#secretId} is not a plain token.`);
      this.#version = answer.VersionId;
      return token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}
