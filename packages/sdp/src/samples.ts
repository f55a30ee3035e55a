/** Descriptions for the tests of this folder. */
import type { Octets } from '@strowger/proto';

/** Lines to a text with CRLF ends. */
export const sdp = (...lines: string[]): Octets => lines.map((line) => `${line}\r\n`).join('') as Octets;

export const SEMINAR: Octets = sdp(
  'v=0',
  'o=mona 3724394400 3724394405 IN IP4 198.51.100.1',
  's=Call to Kim',
  'i=SDP offer about a seminar',
  'u=http://www.example.test/sdp.pdf',
  'e=mona@example.test (Mona Doe)',
  'p=+1 617 555-6011',
  'c=IN IP4 198.51.100.1',
  'b=AS:640',
  't=0 0',
  'a=tool:strowger',
  'm=audio 49170 RTP/AVP 0 97',
  'a=rtpmap:97 opus/48000/2',
  'a=fmtp:97 useinbandfec=1;stereo=0',
  'a=ptime:20',
  'm=audio 49180 RTP/AVP 0',
  'c=IN IP6 2001:db8::2',
  'a=recvonly',
  'm=video 51372 RTP/AVP 99',
  'i=slides',
  'a=rtpmap:99 h263-1998/90000',
  'a=rtcp:51400 IN IP4 198.51.100.9',
  'a=x-nobody:knows \xe9\xa0',
);

/** RFC 3264 §10.1 in our own words: one audio and two video streams offered. */
export const OFFER: Octets = sdp(
  'v=0',
  'o=alice 2890844526 2890844526 IN IP4 192.0.2.10',
  's=-',
  'c=IN IP4 192.0.2.10',
  't=0 0',
  'm=audio 49170 RTP/AVP 0 8 97 101',
  'a=rtpmap:97 iLBC/8000',
  'a=rtpmap:101 telephone-event/8000',
  'm=video 51372 RTP/AVP 31',
  'a=rtpmap:31 H261/90000',
  'm=video 53000 RTP/AVP 32',
  'a=rtpmap:32 MPV/90000',
);
