/** Names as people type them, and as those do who want a line of their own in somebody else's message. */

/** What must never begin a line of a message, a log or a record. */
export const INJECTED = 'X-Injected';

/** Written with one byte a character, U+010D U+010A would be CR LF. */
const AS_LATIN1 = `A\u010d\u010a${INJECTED}: yes\u010d\u010a\u010d\u010aB`;

/** Any of these a person may be called. Each is to arrive as it was typed. */
export const NAMES: Readonly<Record<string, string>> = {
  'U+010D U+010A': AS_LATIN1,
  'U+0A0D U+0D0A': `A\u0a0d\u0d0a${INJECTED}: yes`,
  'quotes and backslashes': `Bob "the \\"builder\\"" \\ O'Brien \\`,
  'every UTF-8 length': 'a é ß 大 ﬀ 😀 \u{10ffff} \u07ff \u0800 \uffff',
  'bytes that trim eats': '\u00c5ngstr\u00f6m \u0160 \u00e0',
  'bytes that fold case': '\u00c0\u00c9\u00dd \u00de\u00d8 \u0130\u0131',
  brackets: 'Bob <sip:evil@example.org>;tag=1, "x" <sip:y@z>',
  escapes: `100% %0d%0a${INJECTED}: yes %00 %22`,
  'right to left': '\u05d0\u05d1 \u202e cba \u202c \u0627',
  'one emoji of many': '\u{1f469}\u200d\u{1f469}\u200d\u{1f466}',
  spaces: ' two  spaces ',
};

/** Names that a configuration must refuse, for they hold what ends lines or texts. */
export const CONTROLS: Readonly<Record<string, string>> = {
  'CR LF': `A\r\n${INJECTED}: yes`,
  LF: `A\n${INJECTED}: yes`,
  CR: `A\r${INJECTED}: yes`,
  NUL: 'A\0B',
  'U+0085': `A\u0085${INJECTED}: yes`,
  'U+2028': `A\u2028${INJECTED}: yes`,
  ESC: 'A\u001b[2JB',
};

/** UTF-8 as octets (a character each), the form of a `RawPhone`'s texts. */
export const octetsOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
export const textOf = (octets: string): string => Buffer.from(octets, 'latin1').toString('utf8');

/** As a quoted-string of RFC 3261 §25.1, in octets. */
export const quoted = (text: string): string => `"${octetsOf(text).replace(/["\\]/g, '\\$&')}"`;

/** What the display name of a name-addr in octets says, as text. */
export function displayOf(value: string): string {
  if (value[0] !== '"') return textOf(value.slice(0, value.indexOf('<')).replace(/ $/, ''));
  const end = /^"(?:[^"\\]|\\[\s\S])*"/.exec(value)?.[0].length ?? 0;
  return textOf(value.slice(1, end - 1).replace(/\\([\s\S])/g, '$1'));
}

/** What is wrong with a message that a server sent, judged by eye and not by a parser of ours; empty when nothing is. */
export function flaws(message: string): readonly string[] {
  const end = message.indexOf('\r\n\r\n');
  const head = message.slice(0, end < 0 ? message.length : end);
  const body = end < 0 ? '' : message.slice(end + 4);
  const found: string[] = end < 0 ? ['no end of the head'] : [];
  const [, ...lines] = head.split('\r\n');
  for (const line of lines) {
    if (!/^[A-Za-z][A-Za-z-]*: /.test(line)) found.push(`not a field: ${line}`);
    if (line.startsWith(INJECTED)) found.push(`injected: ${line}`);
    if (/[\r\n]/.test(line)) found.push(`a bare line break: ${JSON.stringify(line)}`);
    if (/(^|[^\\])\0/.test(line)) found.push(`a NUL: ${JSON.stringify(line)}`);
    if (textOf(line).includes('\ufffd')) found.push(`no UTF-8: ${line}`);
  }
  const length = lines.filter((line) => line.startsWith('Content-Length: '));
  if (length.length !== 1 || length[0] !== `Content-Length: ${body.length}`)
    found.push(`${length}, but a body of ${body.length}`);
  return found;
}
