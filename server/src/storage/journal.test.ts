import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdtempDisposableSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { asWall } from '@strowger/proto';
import { type FileJournal, type JournalOptions, openJournal } from './journal.ts';
import { journalPath } from './journal-files.ts';
import { JournalMemory, openMemoryJournal } from './journal-memory.ts';
import { mergeJournal } from './journal-merge.ts';
import { journalSpaces } from './journal-spaces.ts';

const NOW = asWall(1_000_000);
const folder = () => mkdtempDisposableSync(join(tmpdir(), 'strowger-journal-'));
const open = (dir: string, more: Partial<JournalOptions> = {}): FileJournal =>
  openJournal({ dir, durability: 'process', now: NOW, ...more });

/** What a new process would find, as plain data. */
function reread(dir: string, more: Partial<JournalOptions> = {}): Record<string, Record<string, unknown>> {
  const journal = open(dir, more);
  const spaces = [...journal.load()].map(([space, records]) => [space, Object.fromEntries(records)]);
  journal.close();
  return Object.fromEntries(spaces);
}

suite('journal', () => {
  test('the latest record of each key is there after a restart, and the forgotten are not', () => {
    using dir = folder();
    const journal = open(dir.path, { durability: 'disk' });
    assert.equal(journal.load().size, 0);
    journal.append('bindings', 'sip:alice@a', { n: 1 });
    journal.append('bindings', 'sip:bob@a', { n: 2, text: 'čĊ\r\n\0😀\u00ff' });
    journal.flush();
    journal.append('bindings', 'sip:alice@a', [3]);
    journal.append('dialogs', 'x', 'y');
    journal.append('dialogs', 'z', 1);
    journal.append('dialogs', 'z', null);
    journal.flush();
    journal.close();
    assert.deepEqual(reread(dir.path), {
      bindings: { 'sip:alice@a': [3], 'sip:bob@a': { n: 2, text: 'čĊ\r\n\0😀\u00ff' } },
      dialogs: { x: 'y' },
    });
  });

  test('what was appended and not flushed is not there', () => {
    using dir = folder();
    const journal = open(dir.path);
    journal.append('s', 'a', 1);
    journal.flush();
    journal.append('s', 'b', 2);
    assert.deepEqual(reread(dir.path), { s: { a: 1 } });
  });

  test('a record is forgotten after its time, at load and at merge', () => {
    using dir = folder();
    const journal = open(dir.path);
    journal.append('s', 'past', 1, asWall(NOW - 1));
    journal.append('s', 'future', 2, asWall(NOW + 1));
    journal.append('s', 'ever', 3);
    const closed = journal.rotate();
    assert.deepEqual(reread(dir.path), { s: { future: 2, ever: 3 } });
    const report = mergeJournal(dir.path, closed, NOW);
    assert.deepEqual([report.kept, report.expired, report.files], [2, 1, 1]);
    assert.deepEqual(reread(dir.path), { s: { future: 2, ever: 3 } });
    assert.deepEqual(reread(dir.path, { now: asWall(NOW + 1) }), { s: { ever: 3 } });
  });

  test('a record torn at any byte is absent, what is before it is whole, and the next boot goes on', () => {
    using dir = folder();
    const journal = open(dir.path);
    journal.append('s', 'a', { kept: true });
    journal.flush();
    const path = journalPath(dir.path, 'segment', 1);
    const before = statSync(path).size;
    journal.append('s', 'last', { torn: 'čx' });
    journal.flush();
    journal.close();
    const whole = readFileSync(path);
    for (let length = before; length < whole.length; length += 1) {
      for (const tail of [Buffer.alloc(0), Buffer.alloc(7)]) {
        using copy = folder();
        const file = journalPath(copy.path, 'segment', 1);
        writeFileSync(file, Buffer.concat([whole.subarray(0, length), tail]));
        const again = open(copy.path);
        assert.deepEqual([...(again.load().get('s') ?? [])], [['a', { kept: true }]], `cut at ${length}`);
        const expected = length === before && tail.length === 0 ? [] : ['torn'];
        assert.deepEqual(
          again.damage.map(({ kind }) => kind),
          expected,
          `cut at ${length}`,
        );
        again.append('s', 'next', 1);
        again.flush();
        again.close();
        assert.deepEqual(reread(copy.path), { s: { a: { kept: true }, next: 1 } });
      }
    }
    for (let length = 0; length <= 8; length += 1) {
      using copy = folder();
      writeFileSync(journalPath(copy.path, 'segment', 1), whole.subarray(0, length));
      assert.deepEqual(reread(copy.path), {});
    }
  });

  test('a damaged byte anywhere but in the last record is reported with its offset; what is before it is kept', () => {
    using dir = folder();
    const journal = open(dir.path);
    const offsets: number[] = [];
    for (const key of ['a', 'b', 'c']) {
      offsets.push(statSync(journalPath(dir.path, 'segment', 1)).size);
      journal.append('s', key, key);
      journal.flush();
    }
    const [, second = 0, third = 0] = offsets;
    journal.close();
    const path = journalPath(dir.path, 'segment', 1);
    const whole = readFileSync(path);
    for (let at = second; at < third; at += 1) {
      using copy = folder();
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
      writeFileSync(journalPath(copy.path, 'segment', 1), bytes);
      const again = open(copy.path);
      assert.deepEqual([...(again.load().get('s') ?? [])], [['a', 'a']]);
      assert.deepEqual(
        again.damage.map(({ kind, offset }) => [kind, offset]),
        [['corrupt', second]],
        `byte ${at}`,
      );
      again.append('s', 'd', 'd');
      const report = mergeJournal(copy.path, again.rotate(), NOW);
      assert.equal(report.damage.length, 1);
      again.close();
      assert.deepEqual(reread(copy.path), { s: { a: 'a', d: 'd' } });
      assert.ok(readdirSync(copy.path).some((name) => name.endsWith('.damaged')));
    }
  });

  test('segments rotate by size, and merging them leaves the same records in one snapshot', () => {
    using dir = folder();
    const closed: number[] = [];
    const journal = open(dir.path, { segmentBytes: 4096, onRotate: (through) => closed.push(through) });
    for (let i = 0; i < 1000; i += 1) {
      journal.append('s', `k${i % 100}`, { i, pad: 'x'.repeat(20) });
      if (i % 7 === 0) journal.flush();
    }
    journal.flush();
    assert.ok(closed.length > 10);
    const before = reread(dir.path);
    assert.equal(Object.keys(before.s ?? {}).length, 100);
    // While another merge's work lies there half done, and one segment is left out.
    writeFileSync(join(dir.path, 'snapshot-0000000003.log.part'), 'half');
    mergeJournal(dir.path, closed[4] ?? 0, NOW);
    assert.deepEqual(reread(dir.path), before);
    mergeJournal(dir.path, closed.at(-1) ?? 0, NOW);
    mergeJournal(dir.path, closed.at(-1) ?? 0, NOW);
    assert.deepEqual(reread(dir.path), before);
    assert.equal(readdirSync(dir.path).filter((name) => name.startsWith('snapshot')).length, 1);
    journal.append('s', 'k5', 'newer');
    journal.flush();
    assert.equal(reread(dir.path).s?.k5, 'newer');
  });

  test('a merge killed after its rename leaves old files that change nothing', () => {
    using dir = folder();
    const journal = open(dir.path);
    journal.append('s', 'gone', 1);
    journal.append('s', 'kept', 1);
    const first = journal.rotate();
    copyFileSync(journalPath(dir.path, 'segment', first), join(dir.path, 'aside'));
    journal.append('s', 'gone', null);
    const second = journal.rotate();
    mergeJournal(dir.path, second, NOW);
    copyFileSync(join(dir.path, 'aside'), journalPath(dir.path, 'segment', first));
    assert.deepEqual(reread(dir.path), { s: { kept: 1 } });
    mergeJournal(dir.path, second, NOW);
    assert.ok(!readdirSync(dir.path).includes('segment-0000000001.log'));
  });

  test('a full disk: flush throws JOURNAL_FULL, nothing of it is there later, and writing goes on when there is room', () => {
    using dir = folder();
    let room = Number.POSITIVE_INFINITY;
    const files = {
      write(fd: number, bytes: Buffer, offset: number, length: number): number {
        if (room <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        const part = bytes.subarray(offset, offset + Math.min(length, room));
        room -= part.length;
        appendFileSync(fd, part);
        return part.length;
      },
    };
    const journal = open(dir.path, { files });
    journal.append('s', 'a', 1);
    journal.flush();
    for (let free = 0; free < 60; free += 1) {
      room = free;
      journal.append('s', 'refused', free);
      journal.append('s', 'refused too', 'x'.repeat(30));
      assert.throws(() => journal.flush(), { code: 'JOURNAL_FULL' });
      room = Number.POSITIVE_INFINITY;
      journal.append('s', 'a', free);
      journal.flush();
    }
    assert.deepEqual(reread(dir.path), { s: { a: 59 } });
  });

  test('a failed sync: the segment is given up, its record not promised, and the next flush is in a new one', () => {
    using dir = folder();
    let broken = false;
    const files = {
      sync(): void {
        if (broken) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
      },
      truncate(fd: number, length: number): void {
        if (broken) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
        truncateSync(`/proc/self/fd/${fd}`, length);
      },
    };
    const journal = open(dir.path, { durability: 'disk', files });
    journal.append('s', 'a', 1);
    journal.flush();
    broken = true;
    journal.append('s', 'b', 2);
    assert.throws(() => journal.flush(), { code: 'JOURNAL_IO' });
    journal.append('s', 'c', 3);
    assert.throws(() => journal.flush(), { code: 'JOURNAL_IO' });
    broken = false;
    journal.append('s', 'd', 4);
    journal.flush();
    assert.equal(journal.segment, 2);
    assert.deepEqual(reread(dir.path), { s: { a: 1, d: 4 } });
  });

  test('kill -9 in the middle of appending: every flushed record is there, in order, and nothing else', async () => {
    using dir = folder();
    const script = `
      import { openJournal } from ${JSON.stringify(new URL('./journal.ts', import.meta.url).href)};
      import { writeSync } from 'node:fs';
      const journal = openJournal({ dir: ${JSON.stringify(dir.path)}, durability: 'process', now: 0, segmentBytes: 20000 });
      for (let i = 0; ; i += 1) {
        journal.append('s', 'k' + i, { i, pad: 'y'.repeat(i % 300) });
        if (i % 3 === 2) { journal.flush(); writeSync(1, i + '\\n'); }
      }`;
    const child = spawn(
      process.execPath,
      ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let told = '';
    for await (const chunk of child.stdout) {
      told += chunk;
      if (told.length > 40_000) child.kill('SIGKILL');
    }
    const promised = Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));
    assert.ok(promised > 1000);
    const found = Object.keys(reread(dir.path).s ?? {});
    assert.ok(found.length > promised, `${found.length} of ${promised}`);
    // At most the one flush whose telling was cut off.
    assert.ok(found.length <= promised + 4);
    assert.deepEqual(
      found,
      found.map((_, i) => `k${i}`),
    );
  });

  test('two hundred thousand records are written, merged and loaded', () => {
    using dir = folder();
    const journal = open(dir.path);
    const contact = 'sip:1001@192.0.2.10:5060;transport=udp;ob';
    for (let i = 0; i < 200_000; i += 1) {
      journal.append(
        'bindings',
        `sip:${i}@example.test`,
        [{ contact, callId: `call-${i}`, cseq: i, agent: 'phone/1.0', path: [] }],
        asWall(NOW + 1),
      );
      if (i % 50 === 49) journal.flush();
    }
    const report = mergeJournal(dir.path, journal.rotate(), NOW);
    assert.equal(report.kept, 200_000);
    journal.close();
    const again = open(dir.path);
    assert.equal(again.load().get('bindings')?.size, 200_000);
    again.close();
  });

  test('a journal of another version is refused, not overwritten', () => {
    using dir = folder();
    writeFileSync(journalPath(dir.path, 'segment', 1), 'STRWJ9\r\nsomething');
    assert.throws(() => open(dir.path), { code: 'JOURNAL_CORRUPT' });
  });

  test('each user has a part of its own, loaded once and owned by one', () => {
    using dir = folder();
    const journal = open(dir.path);
    const first = journalSpaces(journal);
    const bindings = first.space<{ n: number }>('location.bindings');
    bindings.put('a', { n: 1 });
    bindings.put('b', { n: 2 }, asWall(NOW + 5));
    bindings.delete('a');
    first.space<string>('calls.dialogs').put('a', 'x');
    assert.throws(() => first.space('calls.dialogs'), /owner/);
    first.flush();
    journal.close();
    const again = open(dir.path);
    const next = journalSpaces(again);
    const part = next.space<{ n: number }>('location.bindings');
    assert.deepEqual([...part.load()], [['b', { n: 2 }]]);
    assert.deepEqual([...part.load()], []);
    again.close();
  });

  /** A disk that fails while `broken` is set, and what is appended and flushed to it. */
  function frail(dir: string) {
    const disk = { broken: false, writesLeft: Number.POSITIVE_INFINITY, largest: 0 };
    const journal = open(dir, {
      files: {
        write(fd, bytes, offset, length) {
          if (disk.broken || disk.writesLeft <= 0) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
          disk.writesLeft -= 1;
          disk.largest = Math.max(disk.largest, length);
          appendFileSync(fd, bytes.subarray(offset, offset + length));
          return length;
        },
      },
    });
    return { disk, journal, spaces: journalSpaces(journal) };
  }

  test('an outage in which more is owed than the buffer holds: it is written in batches, whatever fails between', () => {
    using dir = folder();
    const { disk, journal, spaces } = frail(dir.path);
    const part = spaces.space<string>('s');
    part.put('before', 'x');
    spaces.flush();
    disk.broken = true;
    const pad = 'x'.repeat(1 << 20);
    for (let i = 0; i < 70; i += 1) {
      part.put(`k${i}`, `${i} ${pad}`);
      if (i % 10 === 0) assert.throws(() => spaces.flush(), { code: 'JOURNAL_IO' });
    }
    part.delete('before');
    assert.equal(spaces.sound, false);
    assert.equal(spaces.owed, 71);
    disk.broken = false;
    disk.writesLeft = 5;
    assert.throws(() => spaces.flush(), { code: 'JOURNAL_IO' });
    assert.equal(spaces.sound, false);
    const left = spaces.owed;
    assert.ok(left > 0 && left < 71, `${left} left`);
    part.put('k0', 'newer');
    disk.writesLeft = Number.POSITIVE_INFINITY;
    spaces.flush();
    assert.deepEqual([spaces.sound, spaces.owed], [true, 0]);
    assert.ok(disk.largest < 6 << 20, `${disk.largest} bytes in one piece`);
    journal.close();
    const found = reread(dir.path).s ?? {};
    assert.equal(Object.keys(found).length, 70);
    assert.equal(found.k0, 'newer');
    assert.equal(found.k69, `69 ${pad}`);
  });

  test('more than a batch put in one turn is all written', () => {
    using dir = folder();
    const { journal, spaces } = frail(dir.path);
    const part = spaces.space<string>('s');
    const pad = 'x'.repeat(1 << 20);
    for (let i = 0; i < 70; i += 1) part.put(`k${i}`, pad);
    part.delete('k1');
    part.put('k2', 'newer');
    part.delete('k69');
    spaces.flush();
    journal.close();
    const found = reread(dir.path).s ?? {};
    assert.equal(Object.keys(found).length, 68);
    assert.equal(found.k2, 'newer');
  });

  test('an outage in which keys come and go: nothing is owed for what the journal never had, all else is told', () => {
    using dir = folder();
    const { disk, journal, spaces } = frail(dir.path);
    const part = spaces.space<number>('s');
    part.put('old', 1);
    part.put('kept', 1);
    spaces.flush();
    disk.broken = true;
    for (let i = 0; i < 1000; i += 1) {
      part.put(`call${i}`, i);
      assert.throws(() => spaces.flush());
      part.delete(`call${i}`);
    }
    assert.equal(spaces.owed, 0);
    part.delete('old');
    part.put('kept', 2);
    assert.throws(() => spaces.flush());
    assert.deepEqual([spaces.sound, spaces.owed], [false, 2]);
    disk.broken = false;
    spaces.flush();
    assert.deepEqual([spaces.sound, spaces.owed], [true, 0]);
    journal.close();
    assert.deepEqual(reread(dir.path), { s: { kept: 2 } });
  });

  test('a key written, forgotten in an outage after a write that failed half-way, stays forgotten', () => {
    using dir = folder();
    const { disk, journal, spaces } = frail(dir.path);
    const part = spaces.space<string>('s');
    disk.broken = true;
    const pad = 'x'.repeat(5 << 20);
    part.put('first', pad);
    part.put('second', pad);
    assert.throws(() => spaces.flush());
    disk.broken = false;
    disk.writesLeft = 1;
    assert.throws(() => spaces.flush());
    part.delete('first');
    part.delete('second');
    assert.equal(spaces.owed, 1);
    disk.writesLeft = Number.POSITIVE_INFINITY;
    spaces.flush();
    journal.close();
    assert.deepEqual(reread(dir.path), {});
  });

  test('a record that can never be written is refused once, and keeps no other back', () => {
    using dir = folder();
    const { disk, journal, spaces } = frail(dir.path);
    const part = spaces.space<string>('s');
    assert.throws(() => part.put('vast', 'x'.repeat(17 << 20)), { code: 'JOURNAL_OVERFLOW' });
    disk.broken = true;
    part.put('a', 'a');
    assert.throws(() => spaces.flush());
    part.put('vast', 'x'.repeat(17 << 20));
    part.put('b', 'b');
    disk.broken = false;
    assert.throws(() => spaces.flush(), { code: 'JOURNAL_OVERFLOW' });
    spaces.flush();
    assert.deepEqual([spaces.sound, spaces.owed], [true, 0]);
    journal.close();
    assert.deepEqual(reread(dir.path), { s: { a: 'a', b: 'b' } });
  });

  test('in memory: the same face, and a failing flush promises nothing', () => {
    const memory = new JournalMemory();
    const first = openMemoryJournal(memory);
    first.append('s', 'a', { x: 1 });
    first.flush();
    memory.failWith = new Error('full');
    first.append('s', 'b', 1);
    assert.throws(() => first.flush(), /full/);
    memory.failWith = undefined;
    first.append('s', 'c', 1);
    const next = openMemoryJournal(memory);
    assert.deepEqual([...(next.load().get('s') ?? [])], [['a', { x: 1 }]]);
  });
});
