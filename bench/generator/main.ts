/**
 * Closed-loop load in a process of its own: as one operation ends the next begins. `generator/main.ts JOB` with JSON; it
 * reports by IPC when asked, so that the bench can read the server's CPU at the same moment.
 */
import { Callees } from './callee.ts';
import { Callers } from './caller.ts';
import type { Command, Job, Report } from './job.ts';
import { Registrations } from './register.ts';
import { openWire, type Wire } from './socket.ts';
import { Tallier } from './tally.ts';

const job = JSON.parse(process.argv[2] ?? '') as Job;
const tally = new Tallier();
let going = true;

const report = (message: Report): void => void process.send?.(message);
const stop: () => void = job.kind === 'register' ? await registerLoad() : await callLoad();

process.on('message', (command: Command) => {
  if (command.kind === 'tally') report({ kind: 'tally', ...tally.take() });
  else stop();
});
process.on('disconnect', () => process.exit());
report({ kind: 'ready' });

async function registerLoad(): Promise<() => void> {
  const wire: Wire = await openWire(job.server, (text) => registrations.onText(text));
  const registrations = new Registrations(job, tally, () => wire);
  let next = 0;
  const one = (): void => {
    const login = job.logins[next % job.logins.length];
    next += 1;
    if (going && login) registrations.register(login, one);
  };
  for (let i = 0; i < Math.min(job.window, job.logins.length); i += 1) one();
  return ending(() => {
    registrations.close();
    wire.close();
  });
}

async function callLoad(): Promise<() => void> {
  const half = job.logins.length / 2;
  const calledSide: Wire = await openWire(job.server, (text) =>
    text.startsWith('SIP/2.0') ? registrations.onText(text) : callees.onRequest(text),
  );
  const registrations = new Registrations(job, tally, () => calledSide);
  const callees = new Callees(tally, () => calledSide, job.mediaPort);
  for (const login of job.logins.slice(half)) {
    await new Promise<void>((resolve) => registrations.register(login, resolve));
  }
  const { failed, failure } = tally.take();
  if (failed > 0) throw new Error(`${failed} callees could not register: ${failure}`);
  let next = 0;
  const one = (): void => {
    const caller = job.logins[next % half];
    const callee = job.logins[half + (next % half)];
    next += 1;
    if (going && caller && callee) callers.call(caller, callee.user);
  };
  const callingSide: Wire = await openWire(job.server, (text) =>
    text.startsWith('SIP/2.0') ? callers.onResponse(text) : undefined,
  );
  const callers = new Callers(job, tally, () => callingSide, one);
  for (let i = 0; i < job.window; i += 1) one();
  return ending(() => {
    for (const each of [registrations, callees, callers]) each.close();
    calledSide.close();
    callingSide.close();
  });
}

/** What is under way is let come to its end: a call cut off in the middle would count as the server's. */
function ending(close: () => void): () => void {
  return () => {
    going = false;
    setTimeout(() => {
      close();
      process.disconnect?.();
    }, 300);
  };
}
