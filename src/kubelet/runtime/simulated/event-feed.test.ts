import { expect, test } from 'vitest';
import { EventFeed } from './event-feed.ts';

const ended = new Error('ended');

async function follow(feed: EventFeed<string>, stop: AbortController, onEvent: (event: string) => void): Promise<unknown> {
  try {
    for await (const event of feed.follow(stop.signal)) onEvent(event);
  } catch (error) {
    return error;
  }
  return undefined;
}

test('events of before are not told, those of after are, in their order', async () => {
  const feed = new EventFeed<string>();
  const stop = new AbortController();
  const seen: string[] = [];
  feed.push('before');
  const done = follow(feed, stop, (event) => {
    seen.push(event);
    if (event === 'b') stop.abort(ended);
  });
  feed.push('a');
  feed.push('b');
  expect(await done).toBe(ended);
  expect(seen).toEqual(['a', 'b']);
});

test.each([
  ['before anything was followed', 0, false],
  ['while nothing happens', 10, false],
  ['while an event is in hand', 0, true],
])('an end that is asked for %s is an end', async (_, turns, inHand) => {
  const feed = new EventFeed<string>();
  const stop = new AbortController();
  if (turns === 0 && !inHand) stop.abort(ended);
  const done = follow(feed, stop, () => stop.abort(ended));
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  if (inHand) feed.push('one');
  else stop.abort(ended);
  expect(await done).toBe(ended);
});
