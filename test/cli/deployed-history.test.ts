import type { GetExecutionHistoryCommand, HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { History } from '../../cli/deployed/history.ts';

/** GetExecutionHistory of an execution that has `events` by now. */
function served(events: HistoryEvent[]) {
  const asked: number[] = [];
  const send = async ({ input }: GetExecutionHistoryCommand) => {
    const begin = Number(input.nextToken ?? 0);
    asked.push(begin);
    const end = begin + (input.maxResults ?? 100);
    const newestFirst = events.toReversed();
    return { events: newestFirst.slice(begin, end), ...(end < events.length && { nextToken: String(end) }) };
  };
  return { asked, history: new History({ send } as unknown as SFNClient, 'arn') };
}

const event = (id: number): HistoryEvent => ({ id, timestamp: undefined, type: 'TaskStateEntered' });
const idsIn = (history: History) => history.events.splice(0).map(({ id }) => id);
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe('a history that grows', () => {
  it('is read over several pages, each event once and in order', async () => {
    const events = upTo(450).map(event);
    const { asked, history } = served(events);
    expect(await history.read()).toBe(true);
    expect(idsIn(history)).toEqual(upTo(450));
    expect(asked).toEqual([0, 200, 400]);

    expect(await history.read()).toBe(false);
    events.push(event(451), event(452));
    expect(await history.read()).toBe(true);
    expect(idsIn(history)).toEqual([451, 452]);
    // A page each, not the whole again.
    expect(asked.slice(3)).toEqual([0, 0]);
  });

  it('is read on where an event is not to be seen at once', async () => {
    const events = [event(1), event(2), event(4)];
    const { history } = served(events);
    await history.read();
    expect(idsIn(history)).toEqual([1, 2]);
    events.splice(2, 0, event(3));
    await history.read();
    expect(idsIn(history)).toEqual([3, 4]);
  });
});
