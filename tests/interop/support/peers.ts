/** The programs that interop tests talk to: where they are, or why a test is skipped. */
export { type Peer, type PeerName, peer } from '../../../tools/test/peers.ts';
