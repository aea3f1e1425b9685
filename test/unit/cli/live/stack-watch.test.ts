import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SnapshotPoller } from '../../../../cli/live/snapshot-poller.ts';
import { StackWatch } from '../../../../cli/live/stack-watch.ts';
import type { Target } from '../../../../cli/stack/choose-target.ts';
import { endpointTarget } from '../../../../cli/stack/choose-target.ts';
import type { Followed } from '../../../../cli/stack/current-stack.ts';
import { CurrentStack, locateAgain } from '../../../../cli/stack/current-stack.ts';
import { explainFault } from '../../../../cli/stack/explain-fault.ts';
import { rememberStack } from '../../../../cli/stack/local-stacks.ts';
import { CliError } from '../../../../cli/cli-error.ts';
import { LiveStack, liveOutputs, liveValues } from '../../../support/live-stack.ts';
import { fileAccount } from '../../../support/file-account.ts';

/** A cloud that listens on a port, with a stack that can be deployed again with another deadline. */
class Cloud {
  readonly stack = new LiveStack();
  port = 4566;
  deadlineHour = 5;
  /** Lookups and opened stacks. */
  readonly lookUps: number[] = [];
  readonly opened: string[] = [];
  lookUpFault: Error | undefined;

  target = (): Target => endpointTarget('sluice-test', `http://127.0.0.1:${this.port}`, {});

  open = async (target: Target): Promise<Followed> => {
    const { port, deadlineHour } = this;
    this.opened.push(`${port}, deadline ${deadlineHour}:00`);
    return {
      target,
      outputs: liveOutputs(deadlineHour),
      readOutputs: async () => {
        this.lookUps.push(this.stack.clock.now());
        if (this.lookUpFault) throw this.lookUpFault;
        this.answer(port);
        return liveValues(this.deadlineHour);
      },
    };
  };

  answer(port: number): void {
    if (port !== this.port) throw new CliError(`Nothing answers at 127.0.0.1:${port}.`);
  }

  /** As `watch` and the control room read it. */
  async watch(): Promise<SnapshotPoller> {
    const ports = { locate: () => this.target(), open: this.open, clock: this.stack.clock };
    const current = new CurrentStack(await this.open(this.target()), ports);
    const watch = new StackWatch(current, (stack, settingsTrouble) => {
      const port = stack.target.kind === 'aws' ? 0 : Number(new URL(stack.target.endpointUrl).port);
      const reader = this.stack.reader({ cloud: `port ${port}` }, { outputs: stack.outputs, settingsTrouble });
      return { look: async () => (this.answer(port), reader.look()) };
    });
    return new SnapshotPoller(() => watch.look(), explainFault, this.stack.clock);
  }
}

describe('an open screen', () => {
  it('shows the deadline of another deployment within a minute', async () => {
    const cloud = new Cloud();
    cloud.stack.add(fileAccount({ createdAt: cloud.stack.clock.now(), totalRecords: 40_000 }));
    const poller = await cloud.watch();
    const early = (await poller.latest(0)).snapshot;
    expect(early?.headlines[0]?.text).toMatch(/6 h 53 min before the deadline\.$/);
    // It is 21:01 in New York, and the file takes 67 minutes.
    cloud.deadlineHour = 22;
    await cloud.stack.clock.advance(60_000);
    const late = (await poller.latest(0)).snapshot;
    expect(late?.headlines[0]).toMatchObject({ tone: 'alarm' });
    expect(late?.headlines[0]?.text).toMatch(/^1 file in progress; it will miss the deadline by /);
  });

  it('looks a stack up once a minute, and connects once as long as it is unchanged', async () => {
    const cloud = new Cloud();
    const poller = await cloud.watch();
    for (let second = 0; second < 150; second++) {
      await poller.latest(0);
      await cloud.stack.clock.advance(1_000);
    }
    expect(cloud.lookUps).toHaveLength(2);
    expect(cloud.opened).toHaveLength(1);
  });

  it('finds the local cloud again on another port', async () => {
    const cloud = new Cloud();
    const poller = await cloud.watch();
    expect((await poller.latest(0)).snapshot?.cloud).toBe('port 4566');
    cloud.port = 4999;
    expect((await poller.latest(0)).unanswered?.why).toBe('Nothing answers at 127.0.0.1:4566.');
    await cloud.stack.clock.advance(5_000);
    expect(await poller.latest(0)).toMatchObject({ snapshot: { cloud: 'port 4999' }, unanswered: null });
  });

  it('continues while only the settings cannot be read, and reports it', async () => {
    const cloud = new Cloud();
    const poller = await cloud.watch();
    cloud.lookUpFault = new CliError('AWS is throttling requests.');
    await cloud.stack.clock.advance(60_000);
    const [headline] = (await poller.latest(0)).snapshot?.headlines ?? [];
    expect(headline).toMatchObject({ kind: 'settings', tone: 'warning' });
    expect(headline?.text).toMatch(/limits and deadlines may be out of date: AWS is throttling requests\.$/);
    cloud.lookUpFault = undefined;
    await cloud.stack.clock.advance(5_000);
    expect((await poller.latest(0)).snapshot?.headlines[0]?.kind).toBe('progress');
  });

  it('reports that the stack is missing rather than the errors this causes', async () => {
    const cloud = new Cloud();
    const poller = await cloud.watch();
    cloud.port = 4999;
    cloud.target = () => {
      throw new CliError('The stack sluice-test was removed from this machine.');
    };
    await poller.latest(0);
    await cloud.stack.clock.advance(5_000);
    expect((await poller.latest(0)).unanswered?.why).toBe('The stack sluice-test was removed from this machine.');
  });
});

describe('the endpoint of a stack', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-state-'));
  const env = { SLUICE_STATE_DIR: stateDir };
  const at = (port: number) => `http://127.0.0.1:${port}`;

  it('is where `up` started it last', () => {
    rememberStack(stateDir, 'mine', { endpointUrl: at(4999), stateDir, kind: 'ministack' });
    expect(locateAgain(endpointTarget('mine', at(4566), env), env)).toEqual(endpointTarget('mine', at(4999), env));
  });

  it('never changes from a local cloud to AWS', () => {
    expect(() => locateAgain(endpointTarget('gone', at(4566), env), env)).toThrow(
      /^The stack gone was removed from this machine\./,
    );
    expect(locateAgain({ kind: 'aws', stackName: 'mine' }, env)).toEqual({ kind: 'aws', stackName: 'mine' });
  });
});
