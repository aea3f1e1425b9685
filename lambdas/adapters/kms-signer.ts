import { createHash, createPublicKey } from 'node:crypto';
import type { KMSClient } from '@aws-sdk/client-kms';
import { GetPublicKeyCommand, SignCommand } from '@aws-sdk/client-kms';
import type { Signer, SigningKey } from '../ports.ts';

/** An asymmetric KMS key (ECC_NIST_P256, SIGN_VERIFY): https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html */
export class KmsSigner implements Signer {
  readonly #client: KMSClient;
  readonly #keyArn: string;
  #publicKey: Promise<SigningKey> | undefined;

  constructor(client: KMSClient, keyArn: string) {
    this.#client = client;
    this.#keyArn = keyArn;
  }

  publicKey(): Promise<SigningKey> {
    return (this.#publicKey ??= this.#fetch());
  }

  async sign(message: Buffer): Promise<Buffer> {
    const { Signature } = await this.#client.send(
      new SignCommand({
        KeyId: this.#keyArn,
        // KMS takes messages of up to 4 KiB, so we send the digest.
        Message: createHash('sha256').update(message).digest(),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      }),
    );
    return Buffer.from(Signature ?? []);
  }

  async #fetch(): Promise<SigningKey> {
    try {
      const answer = await this.#client.send(new GetPublicKeyCommand({ KeyId: this.#keyArn }));
      if (answer.KeySpec !== 'ECC_NIST_P256' || answer.KeyUsage !== 'SIGN_VERIFY') {
        throw new Error(
          `The signing key ${this.#keyArn} is ${answer.KeySpec} for ${answer.KeyUsage}; it must be ECC_NIST_P256 for SIGN_VERIFY.`,
        );
      }
      const der = Buffer.from(answer.PublicKey ?? []);
      return {
        arn: this.#keyArn,
        pem: createPublicKey({ key: der, format: 'der', type: 'spki' })
          .export({ format: 'pem', type: 'spki' })
          .toString(),
        sha256: createHash('sha256').update(der).digest('hex'),
      };
    } catch (error) {
      this.#publicKey = undefined;
      throw error;
    }
  }
}
