/** The answer to an MD5 challenge with qop=auth (RFC 2617), by node:crypto. */
import { hash } from 'node:crypto';
import { challengeParam } from './texts.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

const CNONCE = '0a4f113b';

/** The MD5 challenge among those of a 401 or 407; phones of this kind know no other. */
export function md5Challenge(text: string, name: string): string {
  for (let at = text.indexOf(`\r\n${name}: `); at >= 0; at = text.indexOf(`\r\n${name}: `, at + 2)) {
    const line = text.slice(at + name.length + 4, text.indexOf('\r\n', at + 2));
    if (/algorithm="?MD5"?(?:,|$)/.test(line)) return line;
  }
  throw new Error(`no MD5 challenge in\n${text}`);
}

export function answer(challenge: string, method: string, uri: string, { user, password }: Login): string {
  const realm = challengeParam(challenge, 'realm');
  const nonce = challengeParam(challenge, 'nonce');
  const ha1 = md5(`${user}:${realm}:${password}`);
  const response = md5(`${ha1}:${nonce}:00000001:${CNONCE}:auth:${md5(`${method}:${uri}`)}`);
  return (
    `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    `algorithm=MD5, cnonce="${CNONCE}", qop=auth, nc=00000001`
  );
}

const md5 = (text: string): string => hash('md5', text);
