/** Every stable error code stands in docs/errors.md: people look them up, and programs match on them. */
import { isTest } from './files.ts';
import { lineAt, type Source } from './source.ts';
import type { Finding } from './words.ts';

/** Ours are words joined by underscores; Node's `EADDRINUSE` and `ERR_…` are not ours to list. */
const CODE = /^(?!ERR_)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;

/** Where a string is a code: `code = '…'`, `code: '…'`, `new SomeError('…'`, a member of `type SomeCode = …`. */
const BEFORE = /\bcode\??\s*[:=]\s*$|\bnew \w*(?:Error|Problem|Fault)\s*\(\s*$/;
const CODE_TYPE = /\btype \w*Code\s*=([^;]*);/g;

/** Codes that the sources use and the document does not list. */
export function codeFindings(sources: readonly Source[], document: string | undefined): readonly Finding[] {
  const listed = new Set([...(document ?? '').matchAll(/^\| `([A-Z0-9_]+)`/gm)].map((hit) => hit[1] ?? ''));
  const out: Finding[] = [];
  for (const source of sources) {
    if (isTest(source.path) || !/^(?:packages|server|cli)\//.test(source.path)) continue;
    for (const { code, line } of codesOf(source)) {
      if (listed.has(code)) continue;
      listed.add(code); // told once
      out.push({ path: source.path, line, rule: 'error-codes', message: `${code} is not listed in docs/errors.md` });
    }
  }
  return out;
}

function codesOf(source: Source): readonly { readonly code: string; readonly line: number }[] {
  const unions = [...source.code.matchAll(CODE_TYPE)].map((hit) => [hit.index, hit.index + hit[0].length] as const);
  return source.strings
    .filter(({ text }) => CODE.test(text))
    .filter(
      ({ at }) =>
        unions.some(([start, end]) => at > start && at < end) ||
        BEFORE.test(source.code.slice(Math.max(0, at - 60), at)),
    )
    .map(({ at, text }) => ({ code: text, line: lineAt(source.text, at) }));
}
