/**
 * The fifty messages of RFC 4475 and what we do with each. `screen` is the verdict of parser and screening alone; `server`
 * lists the final statuses that a registrar, proxy or B2BUA may answer with, by the text of the clause, once screening
 * let it pass (which of them depends on its configuration). Notes are in our own words.
 */
export interface TortureRow {
  readonly file: string;
  readonly clause: string;
  readonly kind: 'request' | 'response';
  readonly screen: 'accept' | 'drop' | { readonly status: number; readonly code: string };
  readonly server: 'drop' | readonly number[];
  readonly note: string;
}

const INVITE_ANSWERS = [401, 403, 404, 407, 480, 484, 488] as const;
const REGISTER_ANSWERS = [200, 401, 403, 404] as const;
const OPTIONS_ANSWERS = [200, 401, 403, 404, 407, 480] as const;

const request = (
  file: string,
  clause: string,
  screen: 'accept' | readonly [status: number, code: string],
  server: readonly number[],
  note: string,
): TortureRow => ({
  file: `${file}.dat`,
  clause,
  kind: 'request',
  screen: screen === 'accept' ? 'accept' : { status: screen[0], code: screen[1] },
  server,
  note,
});

const response = (file: string, clause: string, screen: 'accept' | 'drop', note: string): TortureRow => ({
  file: `${file}.dat`,
  clause,
  kind: 'response',
  screen,
  server: 'drop',
  note,
});

// biome-ignore format: one row a message
export const RFC4475: readonly TortureRow[] = [
  request('wsinv', '3.1.1.1', 'accept', [481, ...INVITE_ANSWERS], 'its To tag names no dialog of ours; folds and white space wherever the grammar lets them be; well formed to everyone'),
  request('intmeth', '3.1.1.2', 'accept', [404, 401, 403, 407, 405, 501], 'unknown method of odd token characters, a quoted NUL: proxy 404, endpoint 501'),
  request('esc01', '3.1.1.3', 'accept', INVITE_ANSWERS, 'escapes only where the grammar has them, and undone once'),
  request('escnull', '3.1.1.4', 'accept', REGISTER_ANSWERS, '%00 in users: two contacts that must not be cut short into one'),
  request('esc02', '3.1.1.5', 'accept', [404, 401, 403, 407, 405, 501], 'a percent sign is no escape in methods, names and display names'),
  request('lwsdisp', '3.1.1.6', 'accept', OPTIONS_ANSWERS, 'no space between display name and bracket: an error of the grammar, accepted'),
  request('longreq', '3.1.1.7', 'accept', INVITE_ANSWERS, 'long names, values and a long list of Vias'),
  request('dblreq', '3.1.1.8', 'accept', REGISTER_ANSWERS, 'what follows the body in the datagram is noise'),
  request('semiuri', '3.1.1.9', 'accept', OPTIONS_ANSWERS, 'a semicolon in the user is part of the user'),
  request('transports', '3.1.1.10', 'accept', OPTIONS_ANSWERS, 'known and unknown transports in Vias further down'),
  request('mpart01', '3.1.1.11', 'accept', [202, 200, 401, 403, 404, 405, 407, 415, 480, 483], 'a multipart body with NULs, framed by its length'),
  response('unreason', '3.1.1.12', 'accept', 'UTF-8 in the reason phrase; a stray here, of no transaction'),
  response('noreason', '3.1.1.13', 'accept', 'no reason phrase'),
  request('badinv01', '3.1.2.1', [400, 'bad-via'], [400], 'separators with nothing between them'),
  request('clerr', '3.1.2.2', [400, 'short-body'], [400], 'Content-Length beyond the datagram'),
  request('ncl', '3.1.2.3', [400, 'bad-content-length'], [400], 'a negative Content-Length'),
  request('scalar02', '3.1.2.4', [400, 'bad-cseq'], [400], 'CSeq, Max-Forwards and Expires beyond their ranges'),
  response('scalarlg', '3.1.2.5', 'drop', 'CSeq beyond its range: discarded'),
  request('quotbal', '3.1.2.6', [400, 'bad-to'], [400], 'a quote that never closes'),
  request('ltgtruri', '3.1.2.7', [400, 'bad-request-uri'], [400], 'brackets round the Request-URI'),
  request('lwsruri', '3.1.2.8', [400, 'bad-start-line'], [400], 'white space within the Request-URI'),
  request('lwsstart', '3.1.2.9', [400, 'bad-start-line'], [400], 'more than one space between the parts of the first line'),
  request('trws', '3.1.2.10', [400, 'bad-start-line'], [400], 'spaces behind the version'),
  request('escruri', '3.1.2.11', [400, 'bad-request-uri'], [400], 'headers in the Request-URI must never become ours'),
  request('baddate', '3.1.2.12', 'accept', INVITE_ANSWERS, 'a Date of another zone, of no interest to us: ignored'),
  request('regbadct', '3.1.2.13', [400, 'bad-contact'], [400], 'a URI with headers outside brackets'),
  request('badaspec', '3.1.2.14', [400, 'bad-to'], [400], 'spaces within the brackets'),
  request('baddn', '3.1.2.15', [400, 'unfinished-head'], [400], 'an unquoted comma in display names; the archived text also lacks its empty line'),
  request('badvers', '3.1.2.16', [505, 'bad-version'], [505], 'SIP/7.0'),
  request('mismatch01', '3.1.2.17', [400, 'cseq-method'], [400], 'one method in the first line, another in CSeq'),
  request('mismatch02', '3.1.2.18', [501, 'cseq-method'], [501], 'the same with a method nobody knows: 501 is preferred'),
  response('bigcode', '3.1.2.19', 'drop', 'a status above 699'),
  request('badbranch', '3.2.1', [400, 'bad-branch'], [400], 'the cookie without a branch behind it: refused, statelessly'),
  request('insuf', '3.3.1', [400, 'missing-from'], [400], 'no Call-ID, From or To'),
  request('unkscm', '3.3.2', 'accept', [416], 'an unknown scheme in the Request-URI'),
  request('novelsc', '3.3.3', 'accept', [416, 404], 'a known scheme that is no use here'),
  request('unksm2', '3.3.4', 'accept', [400, 401, 403, 404], 'unknown schemes in To, From, Contact: a registrar wants a SIP AOR'),
  request('bext01', '3.3.5', 'accept', [420], 'extensions required that nobody has'),
  request('invut', '3.3.6', 'accept', [415, ...INVITE_ANSWERS], 'a body of unknown type: proxies pass it, endpoints refuse it'),
  request('regaut01', '3.3.7', 'accept', REGISTER_ANSWERS, 'unknown credentials: as if there were none, so a challenge'),
  request('multi01', '3.3.8', [400, 'duplicate-cseq'], [400], 'two of each field that may stand once'),
  request('mcl01', '3.3.9', [400, 'duplicate-content-length'], [400], 'two lengths that differ'),
  response('bcast', '3.3.10', 'accept', 'the second Via would be a broadcast: not ours, so dropped'),
  request('zeromf', '3.3.11', 'accept', [483, ...OPTIONS_ANSWERS], 'no hops left: a proxy says 483, an endpoint does not mind'),
  request('cparam01', '3.3.12', 'accept', REGISTER_ANSWERS, 'a parameter of the Contact, not of its URI'),
  request('cparam02', '3.3.13', 'accept', REGISTER_ANSWERS, 'a parameter of the URI, not of the Contact'),
  request('regescrt', '3.3.14', 'accept', REGISTER_ANSWERS, 'headers within the brackets belong to the binding'),
  request('sdp01', '3.3.15', 'accept', [406, 400, ...INVITE_ANSWERS], 'Accept leaves SDP out'),
  request('inv2543', '3.4.1', 'accept', INVITE_ANSWERS, 'an RFC 2543 INVITE: no branch, no From tag, no length, no hops'),
  {
    file: 'test.dat',
    clause: 'A.1',
    kind: 'request',
    screen: 'drop',
    server: 'drop',
    note: 'in the archive but in no clause: a first line without a version and no Via, so no way to answer',
  },
];
