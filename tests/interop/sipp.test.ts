/** SIPp as caller and callee: its own scenarios at load, and every way in which a call comes to nothing. */
import { suite } from 'node:test';
import { endingsSuite } from './endings.ts';
import { loadSuite } from './load.ts';
import { peer } from './support/peers.ts';

// Together: each waits most of its time for RFC 3261's 32 seconds to pass.
suite('SIPp', { skip: peer('sipp').skip, concurrency: true, timeout: 170_000 }, () => {
  loadSuite();
  endingsSuite();
});
