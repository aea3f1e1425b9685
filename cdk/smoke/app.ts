import { App } from 'aws-cdk-lib';
import { z } from 'zod';
import { SmokeApiStack } from './smoke-api-stack.ts';

const app = new App();
const context = z.object({ stack: z.string(), authorization: z.string() }).parse({
  stack: app.node.tryGetContext('stack') as unknown,
  authorization: app.node.tryGetContext('authorization') as unknown,
});
new SmokeApiStack(app, context.stack, { authorizationSha256: context.authorization });
