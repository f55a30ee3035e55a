/**
 * A small Internet of network namespaces: a public network with the server on it, and homes behind routers that
 * masquerade and let nobody in who was not called for. Each home uses the same private addresses, as homes do.
 *
 *   phone 10.0.0.2 ── router ── 198.51.100.n ┬─ server 198.51.100.254
 *   phone 10.0.0.2 ── router ── 198.51.100.m ┘
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { peer } from './peers.ts';

export const PUBLIC = '198.51.100.254';
export const PRIVATE = '10.0.0.2';

/** Why such a network cannot be made here, if it cannot. */
export function namespacesSkip(): string | false {
  const missing = peer('ip').skip || peer('iptables').skip;
  if (missing) return missing;
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    ip('netns', 'add', 'strowger-probe');
    ip('netns', 'del', 'strowger-probe');
    return false;
  } catch {
    return 'this machine makes no network namespaces';
  }
}

export class Internet {
  readonly #prefix: string;
  readonly #made: string[] = [];
  #homes = 0;

  /** `name` keeps the namespaces of tests that run at once apart. */
  constructor(name: string) {
    this.#prefix = `strowger-${name}`;
    const server = this.#add('server');
    ip('-n', server, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', server, 'addr', 'add', `${PUBLIC}/24`, 'dev', 'br0');
    ip('-n', server, 'link', 'set', 'br0', 'up');
  }

  get server(): string {
    return `${this.#prefix}-server`;
  }

  /** A home with one phone; gives the name of its namespace. */
  home(): string {
    this.#homes += 1;
    const n = this.#homes;
    const router = this.#add(`router${n}`);
    const phone = this.#add(`phone${n}`);
    ip('link', 'add', 'wan', 'netns', router, 'type', 'veth', 'peer', 'name', `port${n}`, 'netns', this.server);
    ip('-n', this.server, 'link', 'set', `port${n}`, 'master', 'br0', 'up');
    ip('-n', router, 'addr', 'add', `198.51.100.${n}/24`, 'dev', 'wan');
    ip('-n', router, 'link', 'set', 'wan', 'up');
    ip('link', 'add', 'lan', 'netns', router, 'type', 'veth', 'peer', 'name', 'eth', 'netns', phone);
    ip('-n', router, 'addr', 'add', '10.0.0.1/24', 'dev', 'lan');
    ip('-n', router, 'link', 'set', 'lan', 'up');
    ip('-n', phone, 'addr', 'add', `${PRIVATE}/24`, 'dev', 'eth');
    ip('-n', phone, 'link', 'set', 'eth', 'up');
    ip('-n', phone, 'route', 'add', 'default', 'via', '10.0.0.1');
    ip('netns', 'exec', router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    const iptables = (...rule: string[]): void => ip('netns', 'exec', router, peer('iptables').path, ...rule);
    // A port of its own for each mapping, and only answers come in: the kind of NAT that is hardest to get through.
    iptables('-t', 'nat', '-A', 'POSTROUTING', '-o', 'wan', '-j', 'MASQUERADE', '--random');
    iptables('-A', 'FORWARD', '-i', 'wan', '-m', 'state', '--state', 'ESTABLISHED,RELATED', '-j', 'ACCEPT');
    iptables('-A', 'FORWARD', '-i', 'wan', '-j', 'DROP');
    return phone;
  }

  /** How to run a program in there: a command and what its arguments begin with. */
  inside(namespace: string): readonly [command: string, ...args: string[]] {
    return [peer('ip').path, 'netns', 'exec', namespace];
  }

  close(): void {
    for (const name of this.#made) ip('netns', 'del', name);
  }

  #add(part: string): string {
    const name = `${this.#prefix}-${part}`;
    // A run that was killed has left its own behind.
    if (existsSync(`/run/netns/${name}`)) ip('netns', 'del', name);
    ip('netns', 'add', name);
    this.#made.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }
}

function ip(...args: string[]): void {
  execFileSync(peer('ip').path, args, { stdio: 'pipe' });
}
