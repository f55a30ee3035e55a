import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hearingOf, readSound, type Sound, writeTone } from './tone.ts';

/** Tones and silences (0) one after the other. */
function sound(...parts: readonly (readonly [hertz: number, ms: number])[]): Sound {
  const samples = parts.flatMap(([hertz, ms]) =>
    Array.from({ length: ms * 8 }, (_, i) => (hertz === 0 ? 0 : 16_000 * Math.sin((2 * Math.PI * hertz * i) / 8_000))),
  );
  return { rate: 8_000, samples: Int16Array.from(samples) };
}

test('a tone is told from its octave, and from silence', () => {
  const heard = hearingOf(sound([0, 100], [440, 1000], [0, 60], [440, 400], [880, 200]), 440, [880]);
  assert.deepEqual([heard.ms.get(440), heard.ms.get(880), heard.gapMs, heard.spanMs], [1400, 200, 60, 1460]);
});

test('noise is no tone', () => {
  const noise = Int16Array.from({ length: 8_000 }, (_, i) => ((i * 48_271) % 32_768) - 16_384);
  assert.equal(hearingOf({ rate: 8_000, samples: noise }, 440, [880]).ms.get(440), 0);
});

test('a tone survives being written and read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strowger-tone-'));
  writeTone(join(folder, 'a.wav'), 880, 2);
  const heard = hearingOf(readSound(join(folder, 'a.wav')), 880, [440]);
  rmSync(folder, { recursive: true });
  assert.deepEqual([heard.ms.get(880), heard.ms.get(440), heard.gapMs], [2000, 0, 0]);
});
