import { describe, expect, it } from 'vitest';
import { localAccountOf, localAwsEnvironment } from '../../../localstack/aws-environment.ts';

const theirs = {
  AWS_ACCESS_KEY_ID: 'AKIAREAL',
  AWS_SECRET_ACCESS_KEY: 'real',
  AWS_REGION: 'eu-west-1',
  AWS_PROFILE: 'work',
};

describe('the environment for a local endpoint', () => {
  it('has none of the user’s credentials or region', () => {
    const env = localAwsEnvironment('http://127.0.0.1:4566', theirs);
    expect(env).toMatchObject({ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' });
    expect(env).not.toHaveProperty('AWS_PROFILE');
  });

  it('has them if the endpoint is the user’s own too', () => {
    const env = localAwsEnvironment('http://127.0.0.1:4566', { ...theirs, AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' });
    expect(env).toMatchObject({
      AWS_ACCESS_KEY_ID: 'AKIAREAL',
      AWS_SECRET_ACCESS_KEY: 'real',
      AWS_REGION: 'eu-west-1',
    });
  });

  it('derives the account from a key of twelve digits', () => {
    expect(localAccountOf({ AWS_ACCESS_KEY_ID: '123456789012' })).toBe('123456789012');
    expect(localAccountOf({ AWS_ACCESS_KEY_ID: 'test' })).toBe('000000000000');
  });
});
