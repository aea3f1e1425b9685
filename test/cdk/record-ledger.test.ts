import { describe, expect, it } from 'vitest';
import { readConsumerEnvironment } from '../../lambdas/runtime/environment.ts';
import { ofType, resolved, synthesise } from './synthesise.ts';

const both = { SLUICE_FEEDS: 'traffic,maintenance', SLUICE_MAINTENANCE_MINIMUM_OCR_CONFIDENCE: '0.8' };
const { resources, outputs } = synthesise('prod', both);
const environmentOf = (name: string, of = resources) => {
  const [, lambda] =
    ofType(of, 'AWS::Lambda::Function').find(([, { FunctionName }]) => FunctionName === `sluice-prod-${name}`) ?? [];
  const { Variables } = lambda?.['Environment'] as { Variables: Record<string, unknown> };
  return readConsumerEnvironment(
    Object.fromEntries(Object.entries(Variables).map(([variable, value]) => [variable, resolved(value)])),
  );
};

describe('the record ledger', () => {
  it('is a table of its own that is retained, backed up and protected, and where nothing expires', () => {
    const [id, table] =
      ofType(resources, 'AWS::DynamoDB::Table').find(([each]) => each.startsWith('RecordLedger')) ?? [];
    expect(resources[id ?? '']).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
    expect(table).toMatchObject({
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      BillingMode: 'PAY_PER_REQUEST',
    });
    expect(table).not.toHaveProperty('TimeToLiveSpecification');
    expect(outputs).toHaveProperty('RecordLedgerTableName');
  });

  it('replaces API and token for its feed only', () => {
    const maintenance = environmentOf('maintenance-consumer');
    expect(maintenance.RECORD_LEDGER_TABLE).toContain('RecordLedger');
    expect(maintenance.TOKEN_SECRET_ARN).toBeUndefined();
    expect(maintenance.API).toMatchObject({ id: 'record-ledger/maintenance', requests: 10_000 });
    expect(maintenance.API).not.toHaveProperty('url');
    expect(maintenance.FEED_OPTIONS).toEqual({ minimumOcrConfidence: '0.8' });
    expect(environmentOf('traffic-consumer').RECORD_LEDGER_TABLE).toBeUndefined();
    expect(ofType(resources, 'AWS::SecretsManager::Secret')).toHaveLength(1);
    expect(JSON.parse(String(outputs['MaintenanceApi']))).toMatchObject({ url: null, requests: 10_000 });
  });

  it('does not exist if no feed uses it', () => {
    const http = synthesise('prod', {
      SLUICE_FEEDS: 'maintenance',
      SLUICE_MAINTENANCE_SINK: 'http',
      SLUICE_MAINTENANCE_API_URL: 'https://mro.example',
      SLUICE_MAINTENANCE_REQUESTS: '600',
      SLUICE_MAINTENANCE_WINDOW_SECONDS: '60',
    });
    expect(ofType(http.resources, 'AWS::DynamoDB::Table')).toHaveLength(1);
    expect(environmentOf('maintenance-consumer', http.resources)).toMatchObject({
      API: { url: 'https://mro.example', requests: 600 },
      TOKEN_SECRET_ARN: expect.any(String) as string,
    });
  });

  it('keeps the logs that audit its records for three years, and no other logs', () => {
    const days = (id: RegExp) =>
      ofType(resources, 'AWS::Logs::LogGroup')
        .filter(([each]) => id.test(each))
        .map(([, group]) => group['RetentionInDays']);
    expect(days(/^maintenance(main|express)?Consumer/)).toEqual([1096, 1096]);
    expect(days(/^maintenanceReconciler/)).toEqual([1096]);
    expect(new Set(days(/^(traffic|maintenance(main|express)?Splitter)/))).toEqual(new Set([365]));
  });
});
