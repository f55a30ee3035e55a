/** What logs and errors may show of people and addresses. */

/** `sip:alice@example.test` → `sip:a…e@example.test`; passwords and parameters go. */
export function redactUri(uri: string): string {
  const match = /^([a-zA-Z][\w+.-]*:)(?:([^@]*)@)?([^;?>]*)/.exec(uri);
  if (!match) return '…';
  const [, scheme = '', user, host = ''] = match;
  if (user === undefined) return `${scheme}${scheme.toLowerCase() === 'tel:' ? redactUser(host) : host}`;
  return `${scheme}${redactUser(user.split(':')[0] ?? '')}@${host}`;
}

export function redactUser(user: string): string {
  return user.length <= 2 ? '…' : `${user[0]}…${user.at(-1)}`;
}

/** The network rather than the host: /24 of IPv4, /48 of IPv6. */
export function redactAddress(address: string): string {
  return address.includes(':') ? `${address.split(':').slice(0, 3).join(':')}:…` : address.replace(/\.\d+$/, '.…');
}
