import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import { deflateSync, constants, createDeflate } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { assertNever } from '../../../base/index.ts';
import { dataHead, type Frame, FrameReader, pingFrame, SpdyProtocolError, synReplyFrame, synStreamFrame } from './frames.ts';
import { headerDictionary } from './header-dictionary.ts';
import { HeaderDecoder, HeaderEncoder } from './headers.ts';
import { SpdySession, type SpdyStream } from './index.ts';

/** What kubectl 1.35 sends for `kubectl exec -i … -- sh -c 'cat; exit 3'` after the upgrade, with `hello` on stdin. */
const fromKubectl = [
  '80030001000000290000000100000000000078f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff',
  '800300010000001700000003000000000000c22e555c92929907000000ffff',
  '800300010000001900000005000000000000c22ac5565c92925f5a02000000ffff',
  '800300010000001500000007000000000000c229975a5404000000ffff',
  '000000030000000668656c6c6f0a',
  '0000000301000000',
].map((hex) => Buffer.from(hex, 'hex'));

function describeFrame(frame: Frame): string {
  switch (frame.type) {
    case 'data':
      return `data ${frame.streamId} ${JSON.stringify(frame.chunk.toString())}${frame.fin ? ' fin' : ''}`;
    case 'synStream':
    case 'synReply':
    case 'headers':
      return `${frame.type} ${frame.streamId}`;
    case 'rstStream':
      return `rst ${frame.streamId} ${frame.status}`;
    case 'ping':
      return `ping ${frame.id}`;
    case 'goAway':
      return `goAway ${frame.lastStreamId}`;
    case 'ignored':
      return `ignored ${frame.controlType}`;
    default:
      return assertNever(frame);
  }
}

/** One end of a connection held in the hand: frames go in as bytes and come out as text. */
function wire(): { session: Duplex; send: (...frames: Buffer[]) => Promise<void>; seen: string[]; peer: Duplex } {
  const [session, peer] = duplexPair();
  const seen: string[] = [];
  const reader = new FrameReader();
  peer.on('data', (chunk: Buffer) => seen.push(...reader.push(chunk).map(describeFrame)));
  return {
    session,
    peer,
    seen,
    send: async (...frames) => {
      for (const frame of frames) peer.write(frame);
      await settled();
    },
  };
}

/** The header decoder works in the thread pool, which a busy machine may let wait. */
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 1 });

/** Time in which nothing more is expected to happen. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('the header dictionary', () => {
  it('is the one of the protocol', () => {
    let [low, high] = [1, 0];
    for (const byte of headerDictionary) {
      low = (low + byte) % 65521;
      high = (high + low) % 65521;
    }
    expect(headerDictionary).toHaveLength(1423);
    expect((high * 65536 + low).toString(16)).toBe('e3c6a7c2');
  });
});

describe('header blocks', () => {
  it('of kubectl are read one after the other', async () => {
    const decoder = new HeaderDecoder();
    const types: (string | undefined)[] = [];
    for (const frame of fromKubectl.slice(0, 4)) {
      const [parsed] = new FrameReader().push(frame);
      if (parsed?.type === 'synStream') types.push((await decoder.decode(parsed.headerBlock)).get('streamtype'));
    }
    expect(types).toEqual(['error', 'stdin', 'stdout', 'stderr']);
    decoder.close();
  });

  it('that we write are read by any zlib, block by block', async () => {
    const encoder = new HeaderEncoder();
    const decoder = new HeaderDecoder();
    const long = new Map([
      ['Name', 'x'.repeat(50_000)],
      ['empty', ''],
      ['ünï', '✓'],
    ]);
    for (const headers of [
      new Map([
        ['streamtype', 'data'],
        ['port', '80'],
      ]),
      new Map(),
      long,
    ]) {
      const expected = new Map([...headers].map(([name, value]) => [name.toLowerCase(), value]));
      expect(await decoder.decode(encoder.encode(headers))).toEqual(expected);
    }
    decoder.close();
  });

  it('that unpack to too much, are cut or are no zlib are refused', async () => {
    const compress = (bytes: Buffer): Buffer => deflateSync(bytes, { dictionary: headerDictionary, finishFlush: constants.Z_SYNC_FLUSH });
    const word = (value: number): Buffer => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
    const bomb = Buffer.concat([word(1), word(4), Buffer.from('name'), word(10_000_000), Buffer.alloc(10_000_000)]);
    const cases: [Buffer, string][] = [
      [compress(bomb), 'header block is too long'],
      [compress(Buffer.concat([word(1), word(100)])), 'header block is cut'],
      [compress(word(100_000)), 'header block has 100000 headers'],
      [compress(Buffer.alloc(0)), 'header block is cut'],
      [Buffer.from('not zlib at all'), 'header block is not zlib'],
    ];
    for (const [block, message] of cases) {
      const decoder = new HeaderDecoder();
      await expect(decoder.decode(block)).rejects.toThrow(message);
      decoder.close();
    }
  });
});

describe('the frame reader', () => {
  it('reads the same frames however the bytes are cut', () => {
    const bytes = Buffer.concat(fromKubectl);
    const whole = new FrameReader().push(bytes).map(describeFrame);
    expect(whole).toEqual(['synStream 1', 'synStream 3', 'synStream 5', 'synStream 7', 'data 3 "hello\\n"', 'data 3 "" fin']);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
        const reader = new FrameReader();
        const frames: Frame[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          frames.push(...reader.push(bytes.subarray(at, at + size)));
          at += size;
        }
        const data = Buffer.concat(frames.flatMap((frame) => (frame.type === 'data' ? [frame.chunk] : [])));
        expect(data.toString()).toBe('hello\n');
        expect(frames.filter(({ type }) => type === 'synStream')).toHaveLength(4);
        expect(frames.filter((frame) => frame.type === 'data' && frame.fin)).toHaveLength(1);
      }),
    );
  });

  it('hands data on before its frame is whole', () => {
    const reader = new FrameReader();
    expect(reader.push(Buffer.concat([dataHead(1, 10, true), Buffer.from('12345')])).map(describeFrame)).toEqual(['data 1 "12345"']);
    expect(reader.push(Buffer.from('67890')).map(describeFrame)).toEqual(['data 1 "67890" fin']);
  });

  it('ignores frames that nothing here depends on', () => {
    const settings = Buffer.from('800300040000000400000000', 'hex');
    const windowUpdate = Buffer.from('80030009000000080000000100010000', 'hex');
    expect(new FrameReader().push(Buffer.concat([settings, windowUpdate])).map(describeFrame)).toEqual(['ignored 4', 'ignored 9']);
  });

  it.each([
    ['another version', '8002000100000000'],
    ['a control frame that is too long', '80030001000fffff'],
    ['a stream frame that is too short', '800300010000000400000001'],
    ['an HTTP answer', Buffer.from('\x90HTTP/1.1').toString('hex')],
  ])('refuses %s', (_what, hex) => {
    expect(() => new FrameReader().push(Buffer.from(hex, 'hex'))).toThrow(SpdyProtocolError);
  });

  it('never throws anything else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
        const reader = new FrameReader();
        try {
          for (const chunk of chunks) reader.push(Buffer.from(chunk));
        } catch (error) {
          expect(error).toBeInstanceOf(SpdyProtocolError);
        }
      }),
    );
  });
});

describe('a session as server', () => {
  it('takes the streams of kubectl, in a transcript', async () => {
    const { session: transport, send, seen } = wire();
    const streams: SpdyStream[] = [];
    const session = new SpdySession({ transport, role: 'server', onStream: (stream) => streams.push(stream) > 0 });
    await send(...fromKubectl);
    await eventually(() =>
      expect(streams.map(({ id, headers }) => `${id} ${headers.get('streamtype')}`)).toEqual([
        '1 error',
        '3 stdin',
        '5 stdout',
        '7 stderr',
      ]),
    );
    const [, stdin, stdout] = streams;
    expect((await stdin!.toArray()).join('')).toBe('hello\n');
    stdout!.end('hello\n');
    await eventually(() => expect(seen).toContain('data 5 "" fin'));
    session.close();
    // Reading stdin to its end and leaving it tells the client so.
    await eventually(() =>
      expect(seen).toEqual([
        'synReply 1',
        'synReply 3',
        'synReply 5',
        'synReply 7',
        'rst 3 5',
        'data 5 "hello\\n"',
        'data 5 "" fin',
        'goAway 7',
      ]),
    );
  });

  it('answers pings of the client only', async () => {
    const { session: transport, send, seen } = wire();
    const session = new SpdySession({ transport, role: 'server' });
    await send(pingFrame(1), pingFrame(2));
    await eventually(() => expect(seen).toEqual(['ping 1']));
    session.destroy();
  });

  it('refuses streams that nobody wants', async () => {
    const { session: transport, send, seen } = wire();
    const session = new SpdySession({ transport, role: 'server', onStream: () => false });
    await send(fromKubectl[0]!);
    await eventually(() => expect(seen).toEqual(['rst 1 3']));
    session.destroy();
  });

  it.each([
    ['a stream of the wrong parity', [synStreamFrame(2, new HeaderEncoder().encode(new Map()))]],
    ['a stream that was there already', [fromKubectl[0]!, fromKubectl[0]!]],
    ['a broken header block', [synStreamFrame(1, Buffer.from('garbage'))]],
    ['a frame of another version', [Buffer.from('8005000000000000', 'hex')]],
  ])('ends with a goodbye after %s', async (_what, frames) => {
    const { session: transport, send } = wire();
    const session = new SpdySession({ transport, role: 'server', onStream: () => true });
    await send(...frames, Buffer.from('8002000000000000', 'hex'));
    await session.closed;
    expect(transport.destroyed).toBe(true);
  });

  it('survives any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, afterStreams) => {
        const { session: transport, peer } = wire();
        const session = new SpdySession({ transport, role: 'server', onStream: () => true });
        if (afterStreams) for (const frame of fromKubectl) peer.write(frame);
        peer.end(Buffer.from(bytes));
        await session.closed;
      }),
      { numRuns: 200 },
    );
  });
});

describe('two sessions', () => {
  function pair(onStream: (stream: SpdyStream) => boolean): { client: SpdySession; server: SpdySession; transports: Duplex[] } {
    const [near, far] = duplexPair();
    return {
      client: new SpdySession({ transport: near, role: 'client' }),
      server: new SpdySession({ transport: far, role: 'server', onStream }),
      transports: [near, far],
    };
  }

  /** Sends everything back. */
  const echo = (stream: SpdyStream): boolean => {
    stream.pipe(stream);
    return true;
  };

  it('carry large amounts both ways on many streams at once', async () => {
    const { client } = pair(echo);
    const sent = Buffer.alloc(300_000, 'abcdefg');
    const results = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const stream = await client.openStream(new Map([['index', String(index)]]));
        stream.end(sent);
        return Buffer.concat(await stream.toArray());
      }),
    );
    for (const received of results) expect(received.equals(sent)).toBe(true);
    client.destroy();
  });

  it('hold a sender up while a reader takes nothing, and lose nothing', async () => {
    let serverStream: SpdyStream | undefined;
    const { client } = pair((stream) => {
      serverStream = stream;
      return true;
    });
    const stream = await client.openStream(new Map());
    const total = 8 * 2 ** 20;
    let written = 0;
    const writing = (async () => {
      for (; written < total; written += 65_536) if (!stream.write(Buffer.alloc(65_536, 1))) await once(stream, 'drain');
      stream.end();
    })();
    await settled();
    expect(written).toBeLessThan(total / 2);
    let read = 0;
    for await (const chunk of serverStream! as AsyncIterable<Buffer>) read += chunk.length;
    await writing;
    expect(read).toBe(total);
    client.destroy();
  });

  it('go on with a full stream that was ended or reset', async () => {
    const taken: SpdyStream[] = [];
    const { client } = pair((stream) => taken.push(stream) > 0);
    for (const end of ['end', 'destroy'] as const) {
      const stream = await client.openStream(new Map());
      stream.write(Buffer.alloc(600_000));
      await eventually(() => expect(taken.at(-1)?.readableLength).toBeGreaterThan(0));
      stream[end]();
      await settled();
      // Its reader still has not read; the connection must not wait for it.
      taken.at(-1)!.resume();
    }
    expect(await client.openStream(new Map())).toBeDefined();
    client.destroy();
  });

  it('tell a reset to the other side, which ends what it reads after what had arrived', async () => {
    let serverStream: SpdyStream | undefined;
    const { client } = pair((stream) => {
      serverStream = stream;
      return true;
    });
    const stream = await client.openStream(new Map());
    stream.write('some');
    await eventually(() => expect(serverStream?.readableLength).toBe(4));
    let wasReset = false;
    serverStream!.once('reset', () => (wasReset = true));
    stream.destroy();
    expect((await serverStream!.toArray()).join('')).toBe('some');
    expect(wasReset).toBe(true);
    serverStream!.write('nobody hears this');
    serverStream!.end();
    client.destroy();
  });

  it('end all streams when the connection breaks, without an error', async () => {
    let serverStream: SpdyStream | undefined;
    const { client, server, transports } = pair((stream) => {
      serverStream = stream;
      return true;
    });
    const stream = await client.openStream(new Map());
    transports[0]!.destroy(new Error('cable cut'));
    await Promise.all([client.closed, server.closed]);
    expect(await stream.toArray()).toEqual([]);
    expect(await serverStream!.toArray()).toEqual([]);
    stream.write('dropped');
    await expect(client.openStream(new Map())).rejects.toThrow('the connection is closed');
  });

  it('tell whoever opens a stream that it was refused', async () => {
    const { client } = pair(() => false);
    await expect(client.openStream(new Map())).rejects.toThrow('the stream was refused with status 3');
    client.destroy();
  });

  it('understand a peer that compresses its headers', async () => {
    const { session: transport, send, seen } = wire();
    const session = new SpdySession({ transport, role: 'client' });
    const deflate = createDeflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH });
    const opening = session.openStream(new Map([['streamtype', 'data']]));
    deflate.write(Buffer.alloc(4));
    const [block] = (await once(deflate, 'data')) as [Buffer];
    await send(synReplyFrame(1, block));
    expect((await opening).id).toBe(1);
    expect(seen).toEqual(['synStream 1']);
    session.destroy();
  });
});
