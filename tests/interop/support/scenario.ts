/** Scenarios for SIPp, written where they are used: what one side sends and expects, in order. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of a scenario. */
export type Step = string;

/** Writes a scenario's file. */
export function writeScenario(folder: string, name: string, steps: readonly Step[]): string {
  const file = join(folder, `${name}.xml`);
  writeFileSync(
    file,
    `<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="${name}">\n${steps.join('\n')}\n</scenario>\n`,
  );
  return file;
}

const SDP = [
  'v=0',
  'o=user1 53655765 2353687637 IN IP[local_ip_type] [local_ip]',
  's=-',
  'c=IN IP[media_ip_type] [media_ip]',
  't=0 0',
  'm=audio [media_port] RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
];

const send = (lines: readonly string[], attributes = ''): Step =>
  `<send ${attributes}><![CDATA[\n${['', ...lines].join('\n      ')}\n\n]]></send>`;

/** Of the caller, all of one transaction: a CANCEL and the ACK of a failure have the INVITE's branch (RFC 3261 §9.1, §17.1.1.3). */
function request(method: string, body: readonly string[] = []): string[] {
  return [
    `${method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]',
    'From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]',
    `To: <sip:[service]@[remote_ip]:[remote_port]>${method === 'ACK' ? '[peer_tag_param]' : ''}`,
    'Call-ID: [call_id]',
    `CSeq: 1 ${method}`,
    'Contact: <sip:sipp@[local_ip]:[local_port]>',
    'Max-Forwards: 70',
    ...(body.length > 0 ? ['Content-Type: application/sdp'] : []),
    'Content-Length: [len]',
    '',
    ...body,
  ];
}

export const caller = {
  invite: (): Step => send(request('INVITE', SDP), 'retrans="500"'),
  cancel: (): Step => send(request('CANCEL'), 'retrans="500"'),
  /** For a final response other than 2xx. */
  ackFailure: (): Step => send(request('ACK')),
} as const;

/** Waits for a response, passing over others. */
export function expect(status: number, ...optional: readonly number[]): Step {
  const skip = optional.map((each) => `<recv response="${each}" optional="true"></recv>`);
  return [...skip, `<recv response="${status}"></recv>`].join('\n');
}

export const pause = (ms: number): Step => `<pause milliseconds="${ms}"/>`;

const respond = (status: number, reason: string, attributes: string, tag: boolean): Step =>
  send(
    [
      `SIP/2.0 ${status} ${reason}`,
      '[last_Via:]',
      '[last_From:]',
      `[last_To:]${tag ? ';tag=[pid]SIPpTag01[call_number]' : ''}`,
      '[last_Call-ID:]',
      '[last_CSeq:]',
      'Contact: <sip:[local_ip]:[local_port];transport=[transport]>',
      'Content-Length: 0',
      '',
    ],
    attributes,
  );

export const callee = {
  receive: (method: string): Step => `<recv request="${method}"></recv>`,
  ring: (): Step => respond(180, 'Ringing', '', true),
  refuse: (status: number, reason: string): Step => respond(status, reason, 'retrans="500"', true),
  /** Answers a CANCEL. */
  agree: (): Step => respond(200, 'OK', '', false),
} as const;

/** A callee whose INVITE was cancelled: its 487 goes to the transaction of the INVITE, which SIPp has to be told. */
export const calleeCancelled: readonly Step[] = [
  '<recv request="INVITE"><action>',
  '<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>',
  '<ereg regexp=".*" search_in="hdr" header="CSeq:" assign_to="cseq"/>',
  '</action></recv>',
  callee.ring(),
  callee.receive('CANCEL'),
  callee.agree(),
  send(
    [
      'SIP/2.0 487 Request Terminated',
      'Via:[$via]',
      '[last_From:]',
      '[last_To:];tag=[pid]SIPpTag01[call_number]',
      '[last_Call-ID:]',
      'CSeq:[$cseq]',
      'Content-Length: 0',
      '',
    ],
    'retrans="500"',
  ),
  callee.receive('ACK'),
];
