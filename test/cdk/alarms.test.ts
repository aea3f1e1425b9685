import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { synthesise } from './synthesise.ts';

const alarmShape = z.looseObject({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.unknown()),
  TreatMissingData: z.string(),
  Threshold: z.number(),
  ComparisonOperator: z.string(),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.number(),
  Metrics: z.unknown().optional(),
});

const runbook = readFileSync(resolve(import.meta.dirname, '../../docs/operations.md'), 'utf8');
/** Of its sections, as GitHub makes them: lower case, spaces to dashes. */
const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-'),
);

/** Without an address, a description names the runbook's heading. */
const anchorIn = (text: string): string =>
  (/What to do: "([^"]+)"/.exec(text)?.[1] ?? '').toLowerCase().replaceAll(' ', '-');

const environment = {
  SLUICE_FEEDS: 'traffic,maintenance',
  SLUICE_TRAFFIC_EXPECTED: '[{"name":"WABC","key":"WABC_{yyyyMMdd+1}*.csv","by":"02:00"}]',
  SLUICE_TRAFFIC_CONTROL: '{"suffix":".ctl","comes":"after","kind":"rows"}',
};
const { resources } = synthesise('prod', environment);
const alarms = Object.values(resources)
  .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
  .map(({ Properties }) => alarmShape.parse(Properties));
const alarm = (name: string) => {
  const found = alarms.find(({ AlarmName }) => AlarmName === `sluice-prod-${name}`);
  if (!found) throw new Error(`There is no alarm ${name}.`);
  return found;
};

const ofLane = [
  'dead-letters',
  'file-given-up',
  'batch-given-up',
  'batch-waits-too-long',
  'file-waits-too-long',
  'letter-waits-too-long',
  'splitter-errors',
  'splitter-throttled',
  'consumer-errors',
  'consumer-throttled',
];
const ofFeed = [
  'dead-letters-growing',
  'breaker-open',
  'token-refused',
  'many-rejects',
  'file-stopped',
  'file-not-sent',
  'stalled-work',
  'waits-for-aws',
  'clock-skew',
  'memory',
  'retention-near-its-end',
  'account-not-closed',
  'finalizer-waits',
  'finalizer-errors',
  'reconciler-errors',
  'reconciler-silent',
];
/** Small files are not swept. */
const ofSweptFeed = ['files-not-announced'];
const ofStack = ['objects-not-taken', 'ledger-reads-throttled', 'ledger-writes-throttled'];

describe('alarms', () => {
  it('are exactly these', () => {
    const lanes = ['traffic', 'traffic-express', 'maintenance', 'maintenance-express'];
    const wanted = [
      ...lanes.flatMap((lane) => ofLane.map((name) => `${lane}-${name}`)),
      ...['traffic', 'maintenance'].flatMap((feed) => ofFeed.map((name) => `${feed}-${name}`)),
      ...ofSweptFeed.map((name) => `traffic-${name}`),
      'traffic-deadline-at-risk',
      'traffic-file-missing',
      'traffic-control-file-missing',
      ...ofStack,
    ];
    expect(alarms.map(({ AlarmName }) => AlarmName.replace('sluice-prod-', '')).sort()).toEqual(wanted.sort());
  });

  it.each(alarms.map((each) => [each.AlarmName, each] as const))(
    '%s says what happened, links to a section of the runbook, and notifies the desk',
    (_, { AlarmDescription: text, AlarmActions: actions }) => {
      expect(text).toMatch(
        /^[A-Z0-9].+[.:] What to do: "[A-Z][a-z ]+" in docs\/operations\.md in Sluice's repository$/,
      );
      expect(anchors).toContain(anchorIn(text));
      expect(JSON.stringify(actions)).toContain('DeskTopic');
    },
  );

  it('have one section of the runbook each, and no section is without an alarm', () => {
    const led = new Set(alarms.map(({ AlarmDescription: text }) => anchorIn(text)));
    const others = [
      'look-first',
      'questions',
      'what-the-alarms-cost',
      'a-function-that-does-not-start',
      // A part of 'file-stopped'.
      'a-revision-is-held',
      'cancelling-a-file',
      'stopping-and-slowing-down',
    ];
    const sections = anchors.filter((anchor) => !others.includes(anchor));
    expect([...led].sort()).toEqual(sections.sort());
  });

  it.each(
    runbook
      .split(/^## /m)
      .filter((section) => section.includes('**Alarm'))
      .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
  )('have an entry with meaning, impact, investigation and resolution: %s', (_, section) => {
    const headings = [...section.matchAll(/^\*\*(Meaning|Impact|Investigate|Resolve)\b/gm)].map(([, name]) => name);
    expect(headings).toEqual(['Meaning', 'Impact', 'Investigate', 'Resolve']);
  });

  it('use a single metric each: local clouds support no others', () => {
    expect(alarms.filter(({ Metrics }) => Metrics !== undefined)).toEqual([]);
  });

  it('stay silent without data, except for the one that reports a missing reconciler', () => {
    const breaching = alarms.filter(({ TreatMissingData }) => TreatMissingData === 'breaching');
    expect(breaching.map(({ AlarmName }) => AlarmName)).toEqual([
      'sluice-prod-traffic-reconciler-silent',
      'sluice-prod-maintenance-reconciler-silent',
    ]);
    expect(alarm('traffic-retention-near-its-end')).toMatchObject({ TreatMissingData: 'ignore', Threshold: 864_000 });
  });

  it('go off before a file is stopped for its rejects', () => {
    expect(alarm('traffic-many-rejects').Threshold).toBe(10);
  });

  it('wait twice as long for a batch as a file is split ahead', () => {
    expect(alarm('traffic-batch-waits-too-long').Threshold).toBe(7_200);
  });

  it('link to the address of the runbook', () => {
    const url = 'https://wiki.example/sluice/operations';
    const set = synthesise('prod', { ...environment, SLUICE_RUNBOOK_URL: url });
    expect(set.text).toContain(`What to do: ${url}#breaker-open`);
    expect(() => synthesise('prod', { SLUICE_RUNBOOK_URL: 'http://wiki.example' })).toThrow(/SLUICE_RUNBOOK_URL/);
  });
});

describe('the dashboard', () => {
  it('exists once per stage, with a part for each feed and what drives the cost', () => {
    const boards = Object.values(resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Dashboard');
    expect(boards).toHaveLength(1);
    const text = JSON.stringify(boards);
    for (const feed of ['traffic', 'maintenance']) {
      for (const title of [
        'files and records received',
        'finished records',
        'use of the limit',
        'waiting',
        'latency of the',
        'time spent waiting for a send time, percent; connections in use',
        'dead letters by reason',
      ]) {
        expect(text).toContain(`${feed}: ${title}`);
      }
    }
    expect(text).toContain('Cost: ');
    expect(text).toContain('records failed');
    // A batch that the reconciler buries makes dead letters as well.
    expect(text).toMatch(/trafficReconcilerFunctionLog[^|]*\| filter message/);
  });
});
