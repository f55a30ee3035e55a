/**
 * Splits TypeScript into code, comments, strings and regular expressions. TypeScript 7 ships no compiler API; rules
 * that look for words in code, and only there, need no more than this.
 */

/** A piece of the source: where it starts, and its text without quotes or slashes. */
export interface Piece {
  readonly at: number;
  readonly text: string;
}

/** A source file as the rules see it. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** The text with comments, string contents and regular expressions blanked: same length, same lines. */
  readonly code: string;
  readonly comments: readonly Piece[];
  readonly strings: readonly Piece[];
  readonly regexes: readonly Piece[];
}

/** After these words a slash starts a regular expression; after any other word it divides. */
const BEFORE_REGEX = /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)\s*$/;

/** Reads one file. */
export function readSource(path: string, text: string): Source {
  return new Lexer(path, text).run();
}

/** The line, from 1, of a position. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < at; i = text.indexOf('\n', i + 1)) line += 1;
  return line;
}

class Lexer {
  readonly #path: string;
  readonly #text: string;
  readonly #code: string[];
  readonly #comments: Piece[] = [];
  readonly #strings: Piece[] = [];
  readonly #regexes: Piece[] = [];
  /** For each `${` that is open, the number of braces open inside. */
  readonly #holes: number[] = [];
  #at = 0;

  constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
    this.#code = text.split('');
  }

  run(): Source {
    while (this.#at < this.#text.length) this.#next();
    const { comments, strings, regexes } = { comments: this.#comments, strings: this.#strings, regexes: this.#regexes };
    return { path: this.#path, text: this.#text, code: this.#code.join(''), comments, strings, regexes };
  }

  #next(): void {
    const char = this.#text[this.#at] ?? '';
    const two = this.#text.slice(this.#at, this.#at + 2);
    if (two === '//') this.#comment(this.#indexOf('\n'));
    else if (two === '/*') this.#comment(this.#indexOf('*/', 2) + 2);
    else if (char === '"' || char === "'") this.#string(char);
    else if (char === '`') this.#template();
    else if (char === '/' && this.#regexMayStart()) this.#regex();
    else this.#plain(char);
  }

  #plain(char: string): void {
    const last = this.#holes.length - 1;
    const open = this.#holes[last];
    this.#at += 1;
    if (open === undefined) return;
    if (char === '{') this.#holes[last] = open + 1;
    if (char !== '}') return;
    if (open > 0) {
      this.#holes[last] = open - 1;
    } else {
      this.#holes.pop();
      this.#templateText();
    }
  }

  #comment(end: number): void {
    this.#comments.push({ at: this.#at, text: this.#text.slice(this.#at, end) });
    this.#blank(this.#at, end);
    this.#at = end;
  }

  #string(quote: string): void {
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== quote && this.#text[end] !== '\n') {
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#strings.push({ at: this.#at, text: this.#text.slice(this.#at + 1, end) });
    this.#blank(this.#at + 1, end);
    this.#at = end + 1;
  }

  #template(): void {
    this.#at += 1;
    this.#templateText();
  }

  /** The literal part of a template, up to its end or its next `${`. */
  #templateText(): void {
    const start = this.#at;
    let end = start;
    while (end < this.#text.length && this.#text[end] !== '`' && !this.#text.startsWith('${', end)) {
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#strings.push({ at: start, text: this.#text.slice(start, end) });
    this.#blank(start, end);
    if (this.#text[end] === '$') {
      this.#holes.push(0);
      this.#at = end + 2;
    } else {
      this.#at = end + 1;
    }
  }

  #regexMayStart(): boolean {
    const before = this.#code
      .slice(Math.max(0, this.#at - 40), this.#at)
      .join('')
      .trimEnd();
    return before === '' || !/[\w$)\]}'"`]$/.test(before) || BEFORE_REGEX.test(before);
  }

  #regex(): void {
    let inClass = false;
    let end = this.#at + 1;
    for (; end < this.#text.length && this.#text[end] !== '\n'; end += 1) {
      const char = this.#text[end];
      if (char === '\\') end += 1;
      else if (char === '[') inClass = true;
      else if (char === ']') inClass = false;
      else if (char === '/' && !inClass) break;
    }
    this.#regexes.push({ at: this.#at, text: this.#text.slice(this.#at + 1, end) });
    this.#blank(this.#at + 1, end);
    this.#at = end + 1;
  }

  #indexOf(mark: string, skip = 0): number {
    const found = this.#text.indexOf(mark, this.#at + skip);
    return found === -1 ? this.#text.length : found;
  }

  #blank(start: number, end: number): void {
    for (let i = start; i < end && i < this.#code.length; i += 1) if (this.#code[i] !== '\n') this.#code[i] = ' ';
  }
}
