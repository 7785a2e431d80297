/*
 * What a process does with its console, chosen by the first argument:
 *   echo      writes each line that it reads to stdout, until the end
 *   flood     writes lines to stdout until nobody reads them; exits with status 32
 *   crash     says `ready`, waits for a line, then throws where nobody catches it
 */

import process from 'node:process';
import { ConsoleHost } from '../../src/devices/console-host.ts';
import { Stream } from '../../src/devices/console-layout.ts';
import { STREAM_CLOSED } from '../../src/devices/console.ts';
import { Fixture, PIPES } from './console-fixture.ts';

const fixture = new Fixture(PIPES);
const { console } = fixture;
const mode = process.argv[2];

let status = 0;
let done: () => void;
const ended = new Promise<void>((resolve) => (done = resolve));

function readAll(): void {
  for (let bytes = fixture.readBytes(4096); bytes !== null; bytes = fixture.readBytes(4096)) {
    if (bytes.length === 0) {
      done();
      return;
    }
    if (mode === 'crash')
      setImmediate(() => {
        throw new Error('on purpose');
      });
    fixture.write(Stream.Out, bytes);
  }
}

function flood(): void {
  const line = new TextEncoder().encode('a line of output\n'.repeat(100));
  for (;;) {
    const accepted = fixture.write(Stream.Out, line);
    if (accepted === STREAM_CLOSED) {
      status = 32;
      done();
      return;
    }
    if (accepted < line.length) return;
  }
}

const host = new ConsoleHost(fixture.ram, console, fixture.hostLocks, {
  inputArrivedLocked: readAll,
  roomMadeLocked: () => {
    if (mode === 'flood') flood();
  },
  signal: () => {
    status = 130;
    done();
  },
  powerOff: () => {
    status = 3;
    done();
  },
});
host.attachTerminalOrPipes();
if (mode === 'flood') flood();
if (mode === 'crash') fixture.write(Stream.Out, new TextEncoder().encode('ready\n'));
void host.pump();
await ended;
await host.finish();
process.exitCode = status;
