import { expect, it } from 'vitest';
import { CliError } from '../../../../cli/cli-error.ts';
import { explainFault } from '../../../../cli/stack/explain-fault.ts';

const fault = (name: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { name, ...more });
const credentials = (message: string) => fault('CredentialsProviderError', message);

it.each<[Error, RegExp]>([
  [credentials('Could not load credentials from any providers'), /^There are no AWS credentials in the environment/],
  [
    credentials(
      'The SSO session associated with this profile has expired. To refresh this SSO session run aws sso login',
    ),
    /^The AWS sign-in \(SSO\) is missing or has expired: run `aws sso login`/,
  ],
  [
    fault('TokenProviderError', "Token is expired. To refresh this SSO session run 'aws sso login'"),
    /^The AWS sign-in \(SSO\) is missing or has expired/,
  ],
  [
    credentials('Profile prod requires multi-factor authentication, but no MFA code callback was provided.'),
    /^The AWS profile asks for an MFA code/,
  ],
  [
    credentials('Could not resolve credentials using profile: [nowhere] in configuration/credentials file(s).'),
    /^The AWS profile cannot be used: .*AWS_PROFILE.*nowhere/,
  ],
  [fault('RequestTimeTooSkewed', 'The difference is too large.'), /this machine's clock is wrong/],
  [
    fault('SignatureDoesNotMatch', 'Signature expired: 20260101T000000Z is now earlier'),
    /this machine's clock is wrong/,
  ],
  [fault('InvalidSignatureException', 'Signature not yet current'), /this machine's clock is wrong/],
  [fault('SignatureDoesNotMatch', 'The request signature we calculated'), /AWS_SECRET_ACCESS_KEY does not belong/],
  [fault('ThrottlingException', 'Rate exceeded'), /is throttling requests/],
  [fault('Throttling', 'Rate exceeded'), /is throttling requests/],
  [fault('ExpiredTokenException', 'x'), /have expired; sign in again/],
  [fault('AccessDenied', 'User x may not y'), /^AWS refused it: User x may not y/],
  [fault('Error', 'Region is missing'), /set AWS_REGION/],
  [
    fault('Error', "EACCES: permission denied, mkdir '/srv/sluice/.sluice'", {
      code: 'EACCES',
      path: '/srv/sluice/.sluice',
    }),
    /^\/srv\/sluice\/\.sluice cannot be written \(EACCES\)\. SLUICE_STATE_DIR/,
  ],
  [fault('Error', 'read-only', { code: 'EROFS', path: '/x' }), /SLUICE_STATE_DIR/],
  [fault('Error', 'x', { code: 'ECONNREFUSED', address: '127.0.0.1', port: 1 }), /^Nothing answers at 127\.0\.0\.1:1/],
  [new Error('wrapped', { cause: new CliError('Our own sentence.') }), /^Our own sentence\.$/],
  [new Error('something else'), /^Error: something else \(--debug/],
])('%s', (error, sentence) => {
  expect(explainFault(error)).toMatch(sentence);
});
