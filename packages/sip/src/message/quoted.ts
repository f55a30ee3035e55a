/** Quoted-strings (RFC 3261 §25.1), both ways. */
import { encode, type Octets, octets, slice } from '@strowger/proto';
import { BACKSLASH, CR, DQUOTE, is, isLws, LF, SP, TOKEN } from './chars.ts';

/** Text a person typed as a quoted-string. Throws `UnencodableText` on CR, LF or NUL. */
export function quote(text: string): Octets {
  return quoteOctets(encode(text));
}

/**
 * Octets as a quoted-string. A line break, which no value that was parsed or encoded can hold, becomes a space; a NUL
 * came as a quoted-pair and goes as one.
 */
export function quoteOctets(text: Octets): Octets {
  let out = '';
  let from = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === DQUOTE || code === BACKSLASH || (code < SP && code !== 9) || code === 0x7f) {
      out += text.slice(from, i) + (code === CR || code === LF ? ' ' : `\\${text[i]}`);
      from = i + 1;
    }
  }
  return octets`"${(out + text.slice(from)) as Octets}"`;
}

/** What a quoted-string says: quotes off, quoted-pairs resolved, folds made one space. Anything else as it is. */
export function unquote(value: Octets): Octets {
  if (value.charCodeAt(0) !== DQUOTE || value.length < 2) return value;
  const end = value.length - 1;
  if (value.indexOf('\\') < 0 && value.indexOf('\r') < 0) return slice(value, 1, end);
  let out = '';
  let from = 1;
  for (let i = 1; i < end; i += 1) {
    const code = value.charCodeAt(i);
    if (code === BACKSLASH) {
      out += value.slice(from, i);
      from = i + 1;
      i += 1;
    } else if (code === CR) {
      const next = lwsEnd(value, i, end);
      out += `${value.slice(from, i)} `;
      from = next;
      i = next - 1;
    }
  }
  return (out + value.slice(from, end)) as Octets;
}

/** Each fold as one space (§7.3.1); the same text when there is none. */
export function unfold(text: Octets): Octets {
  let at = text.indexOf('\r');
  if (at < 0) return text;
  let out = '';
  let from = 0;
  while (at >= 0) {
    const next = lwsEnd(text, at, text.length);
    out += `${text.slice(from, at)} `;
    from = next;
    at = text.indexOf('\r', next);
  }
  return (out + text.slice(from)) as Octets;
}

/** A display name for a name-addr: bare when it is plain tokens with single spaces, else quoted. */
export function displayName(text: string): Octets {
  return formatDisplay(encode(text));
}

export function formatDisplay(text: Octets): Octets {
  let last = SP;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (!is(code, TOKEN) && !(code === SP && last !== SP)) return quoteOctets(text);
    last = code;
  }
  return last === SP ? quoteOctets(text) : text;
}

/** How many NULs of this stretch are the second half of a quoted-pair within quotes: the only ones that may be there. */
export function quotedNuls(text: Octets, start: number, end: number): number {
  let quoted = false;
  let count = 0;
  for (let pos = start; pos < end; pos += 1) {
    const code = text.charCodeAt(pos);
    if (code === DQUOTE) quoted = !quoted;
    else if (quoted && code === BACKSLASH) {
      pos += 1;
      if (text.charCodeAt(pos) === 0) count += 1;
    }
  }
  return count;
}

function lwsEnd(text: Octets, start: number, limit: number): number {
  let pos = start;
  while (pos < limit && isLws(text.charCodeAt(pos))) pos += 1;
  return pos;
}
