/** `CSeq`, RFC 3261 §20.16. */
import { type Octets, octets } from '@strowger/proto';
import { defineHeader, type HeaderDef } from '../header.ts';

export interface CSeq {
  /** Below 2^31 (§8.1.1.5). */
  readonly seq: number;
  readonly method: Octets;
}

export const cseq: HeaderDef<CSeq> = defineHeader<CSeq>({
  name: 'CSeq',
  list: false,
  parse(s) {
    const seq = s.uint32();
    if (seq >= 0x8000_0000) s.fail('a number below 2^31');
    const before = s.pos;
    s.lws();
    if (s.pos === before) s.fail('white space');
    return { seq, method: s.token() };
  },
  format: ({ seq, method }) => octets`${seq} ${method}`,
});
