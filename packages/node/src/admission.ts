/** How many connections strangers may hold: in all, and from each place. */
export class Admission {
  readonly #max: number;
  readonly #perNetwork: number;
  readonly #present = new Map<string, number>();

  constructor(max: number, perNetwork: number) {
    this.#max = max;
    this.#perNetwork = perNetwork;
  }

  /** Whether one more may come about, given how many there are. */
  hasRoom(connections: number): boolean {
    return connections < this.#max;
  }

  /** Counts one from that address in, if there is room. */
  enter(address: string, connections: number): boolean {
    const network = networkOf(address);
    const present = this.#present.get(network) ?? 0;
    if (!this.hasRoom(connections) || present >= this.#perNetwork) return false;
    this.#present.set(network, present + 1);
    return true;
  }

  leave(address: string): void {
    const network = networkOf(address);
    const left = (this.#present.get(network) ?? 1) - 1;
    if (left === 0) this.#present.delete(network);
    else this.#present.set(network, left);
  }
}

/** What one subscriber has: an IPv4 address, or an IPv6 /64, of which it may use every address. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail === undefined) return left.slice(0, 4).join(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
