/**
 * One set-up of a checkout at a time. The holder touches the lock file every second; one that has not been touched for
 * a while belongs to a process that was killed, and is taken over. (A process id alone would not do: checkouts are
 * shared between containers, and ids come round again.)
 */
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './say.mjs';

const TOUCH_MS = 1_000;
const DEAD_MS = 10_000;

/**
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, work) {
  const mine = `${process.pid} ${process.hrtime.bigint()}\n`;
  await acquire(file, mine);
  const touch = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(file, now, now);
    } catch {
      // Somebody removed it by hand; the work is safe to repeat, so go on.
    }
  }, TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    if (contentOf(file) === mine) rmSync(file, { force: true });
  }
}

async function acquire(/** @type {string} */ file, /** @type {string} */ mine) {
  for (let told = false; ; ) {
    try {
      writeFileSync(file, mine, { flag: 'wx' });
      // Two that both found a dead lock may have removed each other's new one: the file says who won.
      await sleep(100);
      if (contentOf(file) === mine) return;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const age = ageOf(file);
    if (age !== undefined && age > DEAD_MS) rmSync(file, { force: true });
    else if (!told && age !== undefined) {
      say(`Another set-up of this checkout is running (process ${contentOf(file).split(' ')[0]}); waiting for it.`);
      told = true;
    }
    await sleep(250);
  }
}

function contentOf(/** @type {string} */ file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function ageOf(/** @type {string} */ file) {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}
