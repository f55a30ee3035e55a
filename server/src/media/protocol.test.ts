import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { LineReader, MAX_LINE } from './lines.ts';
import { parseOptions } from './options.ts';
import { MediaError } from './port.ts';
import { readAnswer, readRequest } from './protocol.ts';
import { readAllocate, readConnect } from './requests.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

suite('media protocol', () => {
  test('lines come whole however their bytes come, empty ones not at all', () => {
    const reader = new LineReader();
    const lines: string[] = [];
    for (const byte of bytes('{"a":"ü€"}\n\n{}\n{"cut')) lines.push(...reader.push(Uint8Array.of(byte)));
    assert.deepEqual(lines, ['{"a":"ü€"}', '{}']);
    assert.deepEqual(reader.push(bytes('"}\nx\n')), ['{"cut"}', 'x']);
  });

  test('a line without end breaks the reader, and keeps nothing', () => {
    const reader = new LineReader();
    const chunk = bytes('x'.repeat(65_536));
    for (let i = 0; i <= MAX_LINE / chunk.length; i += 1) assert.deepEqual(reader.push(chunk), []);
    assert.ok(reader.broken);
    assert.deepEqual(reader.push(bytes('\n{}\n')), []);
  });

  test('what is no request is an error to answer, never thrown', () => {
    for (const line of [
      '',
      'x',
      'null',
      '[]',
      '{"id":1}',
      '{"id":1.5,"method":"list"}',
      '{"id":"1","method":"list"}',
      '{"id":1,"method":"toString"}',
      '{"id":1,"method":"list","params":[]}',
      '{'.repeat(10_000),
    ]) {
      const request = readRequest(line);
      assert.ok(request instanceof MediaError, line.slice(0, 40));
      assert.equal(request.code, 'MEDIA_BAD_REQUEST');
    }
    assert.deepEqual(readRequest('{"id":1,"method":"list"}'), { id: 1, method: 'list', params: {} });
  });

  test('shapes are checked at the edge', () => {
    const legs = { a: { bind: '127.0.0.1' }, b: { bind: '::1', ports: [31_000] } };
    assert.deepEqual(readAllocate({ bridge: 'x', legs, streams: 1, more: 1 }), { bridge: 'x', legs, streams: 1 });
    const stream = { address: '127.0.0.1', port: 4000, rtcpPort: 4001 };
    for (const bad of [
      () => readAllocate({ bridge: '', legs, streams: 1 }),
      () => readAllocate({ bridge: 'x', legs, streams: 17 }),
      () => readAllocate({ bridge: 'x', legs: { a: legs.a }, streams: 1 }),
      () => readConnect({ bridge: 'x', leg: 'c', streams: [] }),
      () => readConnect({ bridge: 'x', leg: 'a', streams: [{ ...stream, port: 65_536 }] }),
      () => readConnect({ bridge: 'x', leg: 'a', streams: [{ ...stream, direction: 'both' }] }),
      () => readConnect({ bridge: 'x', leg: 'a', streams: new Array(17).fill(null) }),
    ]) {
      assert.throws(bad, { code: 'MEDIA_BAD_REQUEST' });
    }
    assert.deepEqual(readConnect({ bridge: 'x', leg: 'a', streams: [null, stream] }).streams, [null, stream]);
  });

  test('answers: a result, an error with its code, an event; anything else is nothing', () => {
    assert.deepEqual(readAnswer('{"id":1,"ok":true,"result":null}'), { kind: 'result', id: 1, result: null });
    const refused = readAnswer('{"id":1,"ok":false,"error":{"code":"MEDIA_NO_PORTS","message":"m"}}');
    assert.ok(refused?.kind === 'error' && refused.error.code === 'MEDIA_NO_PORTS');
    assert.equal(readAnswer('{"event":{"kind":"down","why":"replaced"}}')?.kind, 'event');
    for (const line of ['', '{}', '{"id":1,"ok":false}', '{"event":1}']) assert.equal(readAnswer(line), undefined);
  });

  test('options: defaults, and an unknown key is an error', () => {
    assert.deepEqual(parseOptions({}).ports, { first: 30_000, last: 30_999 });
    const options = parseOptions({ addresses: ['0:0::1'], ports: '31000-31099', timing: { idleAfter: 5 } });
    assert.deepEqual([options.addresses, options.ports.last, options.timing.idleAfter], [['::1'], 31_099, 5]);
    for (const bad of [null, { port: 1 }, { ports: '5-4' }, { addresses: ['x'] }, { timing: { idle: 1 } }]) {
      assert.throws(() => parseOptions(bad), { code: 'MEDIA_BAD_REQUEST' });
    }
  });
});
