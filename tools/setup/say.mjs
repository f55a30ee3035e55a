/** What set-up tells people. Progress goes to stderr: stdout belongs to the program that is started afterwards. */

export function say(/** @type {string} */ line) {
  process.stderr.write(`${line}\n`);
}

/** Something only the person can mend; its message says what is wrong and what to do. */
export class Problem extends Error {
  /** @override */
  name = 'Problem';
}
