import { CliError } from '../cli-error.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** Explanations by the names of the SDK's errors, with what to do. The first match counts. */
const explanations: readonly { names: RegExp; says?: RegExp; sentence: (message: string) => string }[] = [
  {
    names: /^(CredentialsProviderError|TokenProviderError)$/,
    says: /\bsso\b/i,
    sentence: (message) => `The AWS sign-in (SSO) is missing or has expired: run \`aws sso login\`. ${message}`,
  },
  {
    names: /^CredentialsProviderError$/,
    says: /\bMFA\b/i,
    sentence: (message) =>
      `The AWS profile asks for an MFA code, which Sluice cannot ask for: get a session with \`aws sts get-session-token\` ` +
      `or \`aws configure export-credentials\` and set its keys. ${message}`,
  },
  {
    names: /^CredentialsProviderError$/,
    says: /profile/i,
    sentence: (message) => `The AWS profile cannot be used: see ~/.aws/config and AWS_PROFILE. ${message}`,
  },
  {
    names: /^(CredentialsProviderError|TokenProviderError)$/,
    sentence: (message) =>
      `There are no AWS credentials in the environment (AWS_PROFILE or AWS_ACCESS_KEY_ID): ${message}`,
  },
  { names: /./, says: /region is missing/i, sentence: () => 'No AWS region is set: set AWS_REGION.' },
  {
    names: /^(ExpiredToken|ExpiredTokenException)$/,
    sentence: () => 'The AWS credentials have expired; sign in again.',
  },
  {
    names: /^(RequestTimeTooSkewed|RequestExpired|RequestInTheFuture)$/,
    sentence: () => `AWS refuses the request because this machine's clock is wrong: set it by NTP.`,
  },
  {
    names: /^(SignatureDoesNotMatch|InvalidSignatureException)$/,
    says: /signature (expired|not yet current)/i,
    sentence: () => `AWS refuses the request because this machine's clock is wrong: set it by NTP.`,
  },
  {
    names: /^(SignatureDoesNotMatch|InvalidSignatureException)$/,
    sentence: () => 'AWS refuses the signature: AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID.',
  },
  {
    names:
      /^(Throttling|ThrottlingException|ThrottledException|TooManyRequestsException|RequestLimitExceeded|SlowDown|ProvisionedThroughputExceededException|RequestThrottled|RequestThrottledException)$/,
    sentence: () => 'AWS is throttling requests, even after several tries: wait a minute and try again.',
  },
  {
    names: /^(AccessDenied|AccessDeniedException|UnrecognizedClientException|InvalidClientTokenId)$/,
    sentence: (message) => `AWS refused it: ${message}`,
  },
];
const networkFaults = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ETIMEDOUT'];
const fileFaults = ['EACCES', 'EROFS', 'EPERM'];

/** A sentence for an error of a library or of AWS; `--debug` shows the stack trace. */
export function explainFault(error: unknown): string {
  const known = knownMessageOf(error);
  if (known !== undefined) return known;
  const code = codeOf(error);
  const message = messageOf(error);
  const explanation = explanations.find(
    ({ names, says }) => names.test(nameOf(error)) && (says === undefined || says.test(message)),
  );
  if (explanation) return explanation.sentence(message);
  const path = (error as { path?: unknown }).path;
  if (code !== undefined && fileFaults.includes(code) && typeof path === 'string') {
    return `${path} cannot be written (${code}). SLUICE_STATE_DIR names another folder for the files that Sluice stores on this machine.`;
  }
  if (code !== undefined && networkFaults.includes(code)) {
    return `Nothing answers at ${addressOf(error)} (${code}). Start a local cloud with \`${sluice} up\`.`;
  }
  return `${nameOf(error)}: ${message} (--debug shows where)`;
}

/** Our own message, also if the SDK has wrapped the error, as credential clients do. */
function knownMessageOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof CliError || nameOf(error) === 'LocalCloudError') return error.message;
  return knownMessageOf(error.cause);
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
  // A host name with two addresses fails with an AggregateError.
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
