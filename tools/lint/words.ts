/** Rules about words that may not stand in a file: what a layer must not use, and what a test must not hide. */
import { isTest } from './files.ts';
import { lineAt, type Source } from './source.ts';

/** Something that a rule found. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

interface WordRule {
  readonly name: string;
  readonly where: (path: string) => boolean;
  readonly look: 'code' | 'comments' | 'regexes' | 'strings';
  readonly pattern: RegExp;
  readonly message: string;
}

const source = (folders: RegExp) => (path: string) => folders.test(path) && !isTest(path);
const inTests = (path: string) => isTest(path);
const everywhere = () => true;

const OCTET_FOLDERS = source(/^packages\/(?:sip|sdp)\/src\//);
/** L0 to L3. `sip/endpoint` is where promises begin. */
const PURE_FOLDERS = source(/^packages\/(?:proto|sdp|nat|rtp|sip(?!\/src\/endpoint\/))\/src\//);
const TIMELESS_FOLDERS = source(/^packages\/(?:proto|sdp|nat|rtp|sip|testkit)\/src\//);
const SERVER_FOLDERS = source(/^server\/src\/(?:modules|kernel)\//);
/** Real programs and real sockets may have to be waited for; the rest runs on virtual time. */
const VIRTUAL_TIME = (path: string) =>
  isTest(path) &&
  /^(?:packages\/(?:proto|sdp|sip|nat|rtp|testkit)|server\/src\/modules|tests\/(?:conformance|scenario))\//.test(path);

const AMBIENT =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bMath\.random\b|\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(|\bgetRandomValues\b|\brandom(?:Bytes|UUID|Int|FillSync)\b/g;

const RULES: readonly WordRule[] = [
  {
    name: 'octets-trim',
    where: OCTET_FOLDERS,
    look: 'code',
    pattern: /\.trim(?:Start|End)?\s*\(/g,
    message: 'eats U+00A0, half of many a UTF-8 character: use trimLws',
  },
  {
    name: 'octets-case',
    where: OCTET_FOLDERS,
    look: 'code',
    pattern: /\.to(?:Locale)?(?:Lower|Upper)Case\s*\(/g,
    message: 'folds U+00C0 to U+00DE, which are halves of UTF-8 characters: use lowerAscii or equalsIgnoreCase',
  },
  {
    name: 'octets-space',
    where: OCTET_FOLDERS,
    look: 'regexes',
    pattern: /\\s/gi,
    message: '\\s matches U+00A0, half of many a UTF-8 character: write [ \\t]',
  },
  {
    name: 'octets-decoder',
    where: OCTET_FOLDERS,
    look: 'code',
    pattern: /\bTextDecoder\b/g,
    message: 'its latin1 is windows-1252: use decode of @strowger/proto',
  },
  {
    name: 'pure-time',
    where: TIMELESS_FOLDERS,
    look: 'code',
    pattern: AMBIENT,
    message: 'no clock, timer or chance here: inputs carry `now`, deadlines are data, chance is a Random that is given',
  },
  {
    name: 'pure-async',
    where: PURE_FOLDERS,
    look: 'code',
    // A host's interface may promise; nothing here may wait.
    pattern: /\basync\s+(?:function\b|\(|[\w#]+\s*[(=]|\w+\s*=>)|\basync\s*\*|\bawait\b|\bPromise\.|\bnew Promise\b/g,
    message: 'nothing in L0 to L3 is asynchronous',
  },
  {
    name: 'server-ambient',
    where: SERVER_FOLDERS,
    look: 'code',
    pattern: AMBIENT,
    message: 'clock, timers and chance come from `context`, so that two whole servers run in one test and replay',
  },
  {
    name: 'server-io',
    where: SERVER_FOLDERS,
    look: 'strings',
    pattern: /^node:(?:fs|net|dgram|tls|https?|http2|dns|timers|child_process|worker_threads|cluster)(?:\/|$)/g,
    message: 'files, sockets and processes come from `context`',
  },
  {
    name: 'test-only',
    where: inTests,
    look: 'code',
    pattern: /\b(?:test|it|suite|describe)\.only\b|\bonly:\s*true\b/g,
    message: 'silences every other test of the file',
  },
  {
    name: 'test-skip',
    where: inTests,
    look: 'code',
    pattern: /\b(?:test|it|suite|describe)\.(?:skip|todo)\b|\b(?:skip|todo):\s*true\b|\bt\.(?:skip|todo)\(\s*\)/g,
    message: "a skipped test says why: { skip: 'reason' }",
  },
  {
    name: 'test-commented-out',
    where: inTests,
    look: 'comments',
    pattern: /^[/*\s]*(?:test|it|suite|describe)(?:\.\w+)?\(/gm,
    message: 'a test that cannot run is listed with { skip: reason } and an issue, not commented out',
  },
  {
    name: 'test-sleep',
    where: VIRTUAL_TIME,
    look: 'code',
    pattern: /\b(?:setTimeout|sleep|delay)\s*\(|\bsetTimeout as \w+/g,
    message: 'this test runs on virtual time; only tests of real sockets and processes may wait',
  },
  {
    name: 'todo-issue',
    where: everywhere,
    look: 'comments',
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b(?!\s*\(?#\d+)/g,
    message: 'names the issue that will do it: TODO #12',
  },
  {
    name: 'silenced-types',
    where: everywhere,
    look: 'comments',
    pattern: /@ts-(?:ignore|nocheck)\b|@ts-expect-error\s*$/gm,
    message: 'says what is wrong: @ts-expect-error and why',
  },
];

/** All findings of the word rules in one file, those left out that the file itself argues for. */
export function wordFindings(file: Source): readonly Finding[] {
  const found: Finding[] = [];
  for (const { name, where, look, pattern, message } of RULES) {
    if (!where(file.path)) continue;
    const pieces = look === 'code' ? [{ at: 0, text: file.code }] : file[look];
    for (const { at, text } of pieces) {
      for (const hit of text.matchAll(pattern)) {
        const line = lineAt(file.text, at + hit.index + (look === 'comments' ? leadingBreaks(hit[0]) : 0));
        found.push({ path: file.path, line, rule: name, message: `${shorten(hit[0])} ${message}` });
      }
    }
  }
  const excused = excuses(file);
  return found.filter(({ rule, line }) => !excused.has(`${rule} ${line}`) && !excused.has(`${rule} ${line - 1}`));
}

/** `lint-allow RULE: reason` on the line itself or the one above it. */
function excuses(file: Source): ReadonlySet<string> {
  const out = new Set<string>();
  for (const { at, text } of file.comments) {
    for (const hit of text.matchAll(/lint-allow ([a-z-]+): \S.{9,}/g)) {
      out.add(`${hit[1]} ${lineAt(file.text, at + hit.index)}`);
    }
  }
  return out;
}

function leadingBreaks(text: string): number {
  return text.length - text.trimStart().length;
}

function shorten(text: string): string {
  const word = text.replaceAll(/\s+/g, ' ').trim();
  return `\`${word.length > 30 ? `${word.slice(0, 30)}…` : word}\``;
}
