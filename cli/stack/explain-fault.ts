import { CliError } from '../cli-error.ts';

/** Names under which the SDK tells that it found nobody to sign for. */
const credentialFaults = ['CredentialsProviderError', 'TokenProviderError'];
const refusedFaults = ['AccessDenied', 'AccessDeniedException', 'UnrecognizedClientException', 'InvalidClientTokenId'];
const expiredFaults = ['ExpiredToken', 'ExpiredTokenException', 'RequestExpired'];
const networkFaults = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ETIMEDOUT'];

/** A sentence for a fault that came from below; the stack trace is for `--debug`. */
export function explainFault(error: unknown): string {
  if (error instanceof CliError || nameOf(error) === 'LocalCloudError') return (error as Error).message;
  const code = codeOf(error);
  if (credentialFaults.includes(nameOf(error))) {
    return `There are no AWS credentials in the environment (AWS_PROFILE or AWS_ACCESS_KEY_ID): ${messageOf(error)}`;
  }
  if (/region is missing/i.test(messageOf(error))) return 'No AWS region is set: set AWS_REGION.';
  if (expiredFaults.includes(nameOf(error))) return 'The AWS credentials have expired; sign in again.';
  if (refusedFaults.includes(nameOf(error))) return `AWS refused it: ${messageOf(error)}`;
  if (code !== undefined && networkFaults.includes(code)) {
    return `Nothing answers at ${addressOf(error)} (${code}). A local cloud comes up with \`npm run -s sluice -- up\`.`;
  }
  return `${nameOf(error)}: ${messageOf(error)} (--debug shows where)`;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message === '' ? nameOf(error) : message.trim();
}

function codeOf(error: unknown): string | undefined {
  const { code, errors, cause } = error as { code?: unknown; errors?: unknown[]; cause?: unknown };
  if (typeof code === 'string') return code;
  // A name with two addresses fails with both at once.
  if (errors?.[0] !== undefined) return codeOf(errors[0]);
  return cause instanceof Error ? codeOf(cause) : undefined;
}

function addressOf(error: unknown): string {
  const { address, port, hostname, errors } = error as {
    address?: string;
    port?: number;
    hostname?: string;
    errors?: unknown[];
  };
  if (errors?.[0] !== undefined && address === undefined) return addressOf(errors[0]);
  return hostname ?? (address === undefined ? 'the endpoint' : `${address}:${port}`);
}
