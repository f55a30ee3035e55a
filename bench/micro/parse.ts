/** A datagram to a screened message whose typed headers have been read: what every request costs before anybody decides. */
import { toOctets } from '@strowger/node';
import { contact, maxForwards, parseMessage, screenMessage, via } from '@strowger/sip';
import type { MicroBench } from './bench.ts';
import { INVITE, REGISTER } from './texts.ts';

export const parseBenches: readonly MicroBench[] = [
  { name: 'parse INVITE', operation: `INVITE of ${INVITE.length} bytes`, prepare: () => parsing(INVITE) },
  { name: 'parse REGISTER', operation: `REGISTER of ${REGISTER.length} bytes`, prepare: () => parsing(REGISTER) },
];

function parsing(text: string): { run(n: number): number } {
  // As they come off a socket: bytes, a new string each time, and not always the same ones.
  const datagrams = Array.from({ length: 64 }, (_, i) =>
    Buffer.from(text.replace('branch=z9hG4bKPj', `branch=z9hG4bK${i}`), 'latin1'),
  );
  return {
    run(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += parseOne(datagrams[i % datagrams.length] as Buffer);
      return sum;
    },
  };
}

function parseOne(datagram: Buffer): number {
  const outcome = parseMessage(toOctets(datagram));
  if (outcome.kind !== 'message' || outcome.message.kind !== 'request')
    throw new Error('the bench text is not a request');
  const { message } = outcome;
  if (screenMessage(message) !== undefined) throw new Error('the bench text is not sound');
  const { uri, topVia, cseq, fromTag, callId } = message;
  const contacts = message.getAll(contact);
  const hops = message.get(maxForwards) ?? 0;
  const vias = message.getAll(via);
  return (
    cseq.seq +
    hops +
    contacts.length +
    vias.length +
    callId.length +
    (fromTag?.length ?? 0) +
    topVia.host.length +
    (uri.ok ? 1 : 0)
  );
}
