/**
 * Why a request was treated as it was. Every decision returns one, so that "why did my call do that?" has an answer:
 * a stable code in kebab-case for machines, and the data that decided it.
 */
export interface Reason {
  readonly code: string;
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

export function because(code: string, data?: Reason['data']): Reason {
  return data === undefined ? { code } : { code, data };
}
