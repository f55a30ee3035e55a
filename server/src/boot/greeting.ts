/** What somebody who has just started it reads: where it listens, and what to type into a phone. */
import { formatSocketAddress } from '@strowger/proto';
import type { Config } from '../config/schema.ts';
import type { Listening } from '../kernel/host.ts';
import type { DataFolder } from './data-folder.ts';
import type { DemoPerson } from './demo.ts';
import type { SignallingReady } from './messages.ts';

export interface Greeting {
  readonly ready: SignallingReady;
  readonly config: Config;
  readonly demo: readonly DemoPerson[];
  /** There were demo people in this folder once. */
  readonly hadDemo: boolean;
  readonly folder: DataFolder;
  readonly fingerprint: string;
}

export function greet(greeting: Greeting): void {
  console.log([...head(greeting), ...phones(greeting), ...administrator(greeting)].join('\n'));
}

function head({ ready, config, folder, fingerprint }: Greeting): string[] {
  const lines = ['', 'Strowger is ready.', '', '  listens on'];
  for (const { transport, address } of ready.listening) {
    lines.push(`    ${transport.padEnd(4)} ${formatSocketAddress(address)}`);
  }
  for (const { listener, why } of ready.skipped) lines.push(`    (not on ${listener}: ${why})`);
  const { first, last } = config.media.ports;
  const where =
    config.media.addresses.length > 0 ? config.media.addresses.join(', ') : 'the address a phone reaches us by';
  lines.push(`  media       udp ${first}-${last} on ${where}`);
  lines.push(`  domain      ${config.domain}`);
  lines.push(`  data        ${folder.paths.root}`);
  if (folder.created) lines.push(`  certificate self-signed, SHA-256 ${fingerprint}`);
  if (ready.bindings + ready.calls > 0) {
    lines.push(`  carried on  ${ready.bindings} registrations and ${ready.calls} calls from before`);
  }
  return [...lines, ''];
}

function phones({ ready, config, demo, hadDemo }: Greeting): string[] {
  const server = serverFor(ready.listening);
  const people = demo.length > 0 ? demo : config.people;
  if (people.length === 0) {
    const add = '  Nobody is here yet: add people to the configuration (docs/configuration.md), or start with --demo.';
    return hadDemo ? [add, '  The demo people are switched off without --demo.', ''] : [add, ''];
  }
  const lines = ['  Set up a phone with'];
  if (demo.length === 0) {
    lines.push(`    server     ${server}`, `    user       the extension, e.g. ${people[0]?.extension}`);
    lines.push('    password   that person’s password from the configuration');
    if (ready.generated.length > 0)
      lines.push('', '  Passwords made up here, for people whose configuration gives none');
    for (const { name, extension, password } of ready.generated) lines.push(`    ${extension}  ${password}  (${name})`);
    return [...lines, ''];
  }
  for (const { name, extension, password } of demo) {
    lines.push(
      '',
      `    ${name}`,
      `      server (domain, registrar)   ${server}`,
      `      user name (and auth name)    ${extension}`,
      `      password                     ${password}`,
      `      transport                    ${transportsOf(ready.listening)}`,
    );
  }
  const [first, second] = demo;
  return [...lines, '', `  Then call ${second?.extension} from ${first?.name}’s phone.`, ''];
}

function administrator({ ready }: Greeting): string[] {
  if (!ready.administrator) return [];
  const { name, password } = ready.administrator;
  return [
    '  Administrator (shown this once; keep it for the console of a later release)',
    `    name      ${name}`,
    `    password  ${password}`,
    '',
  ];
}

/** What others can reach comes before loopback; 5060 need not be typed. */
function serverFor(listening: readonly Listening[]): string {
  const rank = ({ address: { address } }: Listening): number =>
    address.startsWith('127.') || address === '::1' ? 2 : address.includes(':') ? 1 : 0;
  const [best] = [...listening].sort((a, b) => rank(a) - rank(b));
  if (!best) return '';
  const { address, port } = best.address;
  return port === 5060 && !address.includes(':') ? address : formatSocketAddress(best.address);
}

const transportsOf = (listening: readonly Listening[]): string =>
  [...new Set(listening.map(({ transport }) => transport.toUpperCase()))].join(' or ');
