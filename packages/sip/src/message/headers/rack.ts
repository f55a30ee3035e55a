/** `RAck`, RFC 3262 §7.2: which provisional response a PRACK confirms. */
import { type Octets, octets } from '@strowger/proto';
import { defineHeader, type HeaderDef } from '../header.ts';

export interface RAck {
  readonly rseq: number;
  readonly cseq: number;
  readonly method: Octets;
}

export const rack: HeaderDef<RAck> = defineHeader<RAck>({
  name: 'RAck',
  list: false,
  parse(s) {
    const rseq = s.uint32();
    s.lws();
    const cseq = s.uint32();
    s.lws();
    return { rseq, cseq, method: s.token() };
  },
  format: ({ rseq, cseq, method }) => octets`${rseq} ${cseq} ${method}`,
});
