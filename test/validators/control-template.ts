export const controlName = 'control';

/** With faults that each validator must find: one that finds none of them has not looked. */
export const controlTemplate = {
  Resources: {
    // cfn-lint: no such property. checkov: no encryption.
    Queue: { Type: 'AWS::SQS::Queue', Properties: { Colour: 'green' } },
    // parliament: no such action.
    QueuePolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [{ Ref: 'Queue' }],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Service: 's3.amazonaws.com' },
              Action: 'sqs:SendMessages',
              Resource: { 'Fn::GetAtt': ['Queue', 'Arn'] },
            },
          ],
        },
      },
    },
  },
};
