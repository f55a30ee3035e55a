/** What the micro benches chew on: messages as phones and one proxy in front of them write them. */
const SDP = `v=0\r
o=- 3971845021 3971845021 IN IP4 192.0.2.10\r
s=call\r
c=IN IP4 192.0.2.10\r
t=0 0\r
m=audio 40000 RTP/AVP 96 9 8 0 101\r
a=rtpmap:96 opus/48000/2\r
a=fmtp:96 useinbandfec=1\r
a=rtpmap:9 G722/8000\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-15\r
a=sendrecv\r
`;

/** An INVITE with one Via before ours and the fields that desk phones send: 1.2 kB. */
export const INVITE: string = `INVITE sip:1002@example.test SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKPj6d0d5a5f8c2e4b3a9d21\r
Max-Forwards: 70\r
From: "Alice Example" <sip:1001@example.test>;tag=8b2e4c7a91d04f63\r
To: <sip:1002@example.test>\r
Contact: <sip:1001@192.0.2.10:5060;ob>\r
Call-ID: 5c1b7f0e-44c9-4f5c-8a4d-0f2f8a1d7d3e\r
CSeq: 20711 INVITE\r
Route: <sip:192.0.2.1;lr>\r
Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r
Supported: replaces, 100rel, timer, norefersub\r
Session-Expires: 1800\r
Min-SE: 90\r
User-Agent: Desk Phone 4.2.1\r
Proxy-Authorization: Digest username="1001", realm="example.test", nonce="b1946ac92492d2347c6235b4d2611184", uri="sip:1002@example.test", response="591785b794601e212b260e25925636fd", algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001\r
Content-Type: application/sdp\r
Content-Length: ${SDP.length}\r
\r
${SDP}`;

/** A REGISTER refresh, 640 bytes. */
export const REGISTER: string = `REGISTER sip:example.test SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKPj77aa5a5f8c2e4b3a9d21\r
Max-Forwards: 70\r
From: "Alice Example" <sip:1001@example.test>;tag=31cbe4c7a91d04f63\r
To: "Alice Example" <sip:1001@example.test>\r
Call-ID: 0b47cf27-7a6e-44a6-9d31-b1a4c7b03c1b\r
CSeq: 2049 REGISTER\r
User-Agent: Desk Phone 4.2.1\r
Supported: outbound, path\r
Contact: <sip:1001@192.0.2.10:5060;ob>;+sip.instance="<urn:uuid:00000000-0000-0000-0000-0000a1b2c3d4>"\r
Expires: 300\r
Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r
Content-Length: 0\r
\r
`;
