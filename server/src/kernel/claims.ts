/** Who handles what: one owner for each method, or for one event or INFO package of it. A second owner is a boot error. */
export interface Claim<H> {
  readonly module: string;
  readonly handler: H;
}

export class Claims<H> {
  readonly #owners = new Map<string, Claim<H>>();

  /** `pkg` is an event package (RFC 6665) or INFO package (RFC 6086), lower-case. */
  add(module: string, method: string, handler: H, pkg?: string): void {
    const key = pkg === undefined ? method : `${method} ${pkg}`;
    const owner = this.#owners.get(key);
    if (owner) throw new Error(`both ${owner.module} and ${module} want to handle ${key}`);
    this.#owners.set(key, { module, handler });
  }

  find(method: string, pkg?: string): Claim<H> | undefined {
    return (pkg === undefined ? undefined : this.#owners.get(`${method} ${pkg}`)) ?? this.#owners.get(method);
  }

  /** Methods with an owner, for Allow (RFC 3261 §20.5). */
  methods(): readonly string[] {
    return [...new Set([...this.#owners.keys()].map((key) => key.split(' ', 1)[0] ?? key))].sort();
  }
}
