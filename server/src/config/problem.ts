/** What is wrong with a configuration, said so that it can be put right: where, and what would have been right. */
export type ConfigCode =
  | 'CONFIG_UNREADABLE'
  | 'CONFIG_SYNTAX'
  | 'CONFIG_UNKNOWN_KEY'
  | 'CONFIG_MISSING_KEY'
  | 'CONFIG_WRONG_TYPE'
  | 'CONFIG_BAD_VALUE'
  | 'CONFIG_TOO_LARGE'
  | 'CONFIG_DUPLICATE'
  | 'CONFIG_OVERLAP';

/** One mistake. Lines and columns count from 1; 0 when there is no place, as for a file that cannot be read. */
export interface ConfigProblem {
  readonly code: ConfigCode;
  /** `people[1].extension`; empty for the file as a whole. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** `config.yaml:3:5: people[1].extension: …`, as editors and terminals link it. */
export function formatProblem(file: string, { path, line, column, message }: ConfigProblem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** The known name nearest to what was written, if it is near enough to have been meant. */
export function nearestName(written: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(Math.min(written.length, 40) / 3));
  let best: string | undefined;
  let least = limit + 1;
  for (const name of known) {
    const distance = editDistance(written.slice(0, 40).toLowerCase(), name.toLowerCase());
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** Edits with neighbours swapped counted as one (optimal string alignment): `lisetn` is one slip, not two. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
