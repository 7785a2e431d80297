/*
 * Deliberate defects of the kernel: what the search for races is tested with.
 *
 * Each is one or more edits of the sources that only a bundle for a test is built with (BundleOptions.edits); the product has none of them. Most
 * show under some interleavings only; `hint` says what a scenario must do, on at least two harts, to meet it.
 */

import type { SourceEdit } from '../../src/smp/source-edits.ts';

/** What a scenario exercises. */
export type Family =
  'ports' | 'futex' | 'threads' | 'memory' | 'pipes' | 'processes' | 'kill' | 'signals' | 'timers' | 'scheduling' | 'files';

export interface Defect {
  readonly name: string;
  /** What is wrong, in one sentence. */
  readonly about: string;
  readonly family: Family;
  /** What a scenario has to do to meet it. */
  readonly hint: string;
  readonly edits: readonly SourceEdit[];
}

/** A defect that is one edit. */
function defect(
  name: string,
  about: string,
  family: Family,
  hint: string,
  file: string,
  find: string,
  replace: string,
): Defect {
  return { name, about, family, hint, edits: [{ file, find, replace }] };
}

const PORT = 'src/ipc/port.ts';
const PIPE = 'src/ipc/pipe.ts';
const PORT_LOCK = 'Port.lock.addr(port)';

export const DEFECTS: readonly Defect[] = [
  defect(
    'port-lock-dropped',
    'A sender lets go of the port before it hands its message to a receiver that waits.',
    'ports',
    'a receiver that waits, and two senders',
    PORT,
    'if (receiver !== 0) this.deliverLocked(port, receiver);',
    `if (receiver !== 0) {
          this.table.release(port);
          this.deliverLocked(port, receiver);
          this.kernel.locks.acquire(${PORT_LOCK});
        }`,
  ),
  defect(
    'port-full-look-stale',
    'A sender lets go of the port between its look whether there is room and putting the message in.',
    'ports',
    'several senders, a queue that is one short of full',
    PORT,
    '      result = this.enqueueLocked(port, pid, space, type, data, size);\n      if (result === 0) {\n',
    `      this.table.release(port);
      this.kernel.locks.acquire(${PORT_LOCK});
      result = this.enqueueLocked(port, pid, space, type, data, size);
      if (result === 0) {
`,
  ),
  defect(
    'port-sleep-after-look',
    'A receiver lets go of the port between finding it empty and going to sleep: the message that comes between wakes nobody.',
    'ports',
    'one sender, one receiver that waits',
    PORT,
    '      Thread.waitA.set(ram, thread, message);\n',
    `      this.table.release(port);
      this.kernel.locks.acquire(${PORT_LOCK});
      Thread.waitA.set(ram, thread, message);
`,
  ),
  defect(
    'port-copied-unlocked',
    'A receiver copies the oldest message without the lock: two of them get the same one, and another is lost.',
    'ports',
    'two threads that receive from one port with messages in it',
    PORT,
    '    const error = copy.copyOut(space, to, message, MESSAGE_HEADER_BYTES + size);\n',
    `    this.table.release(port);
    const error = copy.copyOut(space, to, message, MESSAGE_HEADER_BYTES + size);
    this.kernel.locks.acquire(${PORT_LOCK});
`,
  ),
  defect(
    'port-ring-off-by-one',
    'A sender finds room in a queue that is full, and overwrites the oldest message.',
    'ports',
    'a sender that is faster than its receiver by a whole queue',
    PORT,
    'if (Port.count.get(ram, port) === this.capacity) {',
    'if (Port.count.get(ram, port) > this.capacity) {',
  ),
  defect(
    'port-destroy-forgets-senders',
    'Whoever destroys a port wakes its receivers only.',
    'ports',
    'a sender that waits at a full port, whose owner destroys it or ends',
    PORT,
    '    waits.endAllLocked(Port.senders.addr(port), -E.IDRM);\n',
    '',
  ),
  defect(
    'port-name-aba',
    'A tagged name is not compared with the generation of its slot: a stale one reaches the next owner.',
    'ports',
    'a send by tagged name while the port is destroyed and its slot given out again (few ports)',
    'src/ipc/port-table.ts',
    '(generation === 0 || generation === Port.generation.get(ram, port))',
    'generation >= 0',
  ),
  defect(
    'kill-unseen-by-sleeper',
    'A thread on its way to sleep does not look whether it has been killed meanwhile.',
    'kill',
    'kill a process whose thread is about to wait',
    'src/kernel/wait-queue.ts',
    'const DISTURBED = ThreadFlag.Killed | ThreadFlag.Signal | ThreadFlag.Stop;',
    'const DISTURBED = ThreadFlag.Signal | ThreadFlag.Stop;',
  ),
  defect(
    'deadline-ends-next-wait',
    'A deadline that comes late ends whatever wait the thread is in then.',
    'timers',
    'waits with a deadline that are woken at about that time, and another wait behind them',
    'src/kernel/wait-queue.ts',
    '(sequence === ANY_WAIT || Thread.waitSequence.peek(ram, thread) === sequence)',
    'sequence >= ANY_WAIT',
  ),
  defect(
    'timer-disarm-no-recheck',
    'Whoever takes a deadline back does not look again, under the lock, whether it is still there.',
    'timers',
    'waits with a deadline that are woken at about that time by another hart',
    'src/kernel/timers.ts',
    'if (this.hartOf(owner) === hart) this.removeLocked',
    'this.removeLocked',
  ),
  defect(
    'futex-look-unlocked',
    'A thread compares the futex word before it takes the bucket: a wake-up between the two finds nobody.',
    'futex',
    'a mutex or a condition that two threads share',
    'src/kernel/futex.ts',
    `    locks.acquire(bucket);
    let result = this.copy.readU32(space, address);
    if (result === 0 && this.copy.value !== expected) result = -E.AGAIN;
`,
    `    let result = this.copy.readU32(space, address);
    if (result === 0 && this.copy.value !== expected) result = -E.AGAIN;
    locks.acquire(bucket);
`,
  ),
  defect(
    'requeue-leaves-behind',
    'A requeue moves the first waiter only; the others get the new address and stay in the old bucket.',
    'futex',
    'requeue of at least two waiters, then wake at the new address',
    'src/kernel/futex.ts',
    'if (source !== target) this.waits.moveLocked',
    'if (source !== target && moved === 0) this.waits.moveLocked',
  ),
  defect(
    'join-woken-before-store',
    'A thread that ends wakes who joins it before it has stored the 0 that they wait for.',
    'threads',
    'pthread_join (FUTEX_WAIT on the word of CLONE_CHILD_CLEARTID) while the thread ends',
    'src/kernel/exit.ts',
    'if (this.copy.writeU32(space, clear, 0) === 0) this.futexes.wake(space, clear, 1);',
    'this.futexes.wake(space, clear, 1);\n      this.copy.writeU32(space, clear, 0);',
  ),
  {
    name: 'zombie-after-wake',
    about: 'A process that ends wakes its parent before it has become a zombie.',
    family: 'processes',
    hint: 'wait4 while a child ends',
    edits: [
      {
        file: 'src/kernel/exit.ts',
        find: '    if (launched) this.launches.noteEnd(process);\n',
        replace: `    if (launched) this.launches.noteEnd(process);
    locks.acquire(this.table.lock);
    const waiting = Process.parent.get(ram, process);
    if (waiting !== 0) this.waits.wakeAllLocked(Process.childWaiters.addr(waiting));
    locks.release(this.table.lock);
`,
      },
      {
        file: 'src/kernel/exit.ts',
        find: '    if (parent !== 0) this.waits.wakeAllLocked(Process.childWaiters.addr(parent));\n',
        replace: '',
      },
    ],
  },
  defect(
    'wait4-sleeps-after-look',
    'wait4 lets go of the tree between finding no child that has ended and going to sleep.',
    'processes',
    'wait4 while a child ends',
    'src/kernel/child-wait.ts',
    '      result = this.waits.sleepLocked(thread, queue, table.lock,',
    '      locks.release(table.lock);\n      locks.acquire(table.lock);\n      result = this.waits.sleepLocked(thread, queue, table.lock,',
  ),
  defect(
    'munmap-no-shootdown',
    'What is unmapped, or protected, is not shot down: other harts go on with their translations, into frames that are free.',
    'memory',
    'munmap or mprotect while a thread on another hart uses the page',
    'src/kernel/address-space.ts',
    '    else this.shootdown.shoot(tlb);\n',
    '',
  ),
  defect(
    'shootdown-no-wait',
    'A shootdown rings the other harts and does not wait for them.',
    'memory',
    'munmap or mprotect while a thread on another hart writes to the page, and somebody takes the frame',
    'src/smp/shootdown.ts',
    'if (target !== this.hart) this.await(target, tlb, generation);',
    'if (target !== this.hart) this.doorbells.ring(target, Ipi.Shootdown);',
  ),
  defect(
    'frames-freed-before-shootdown',
    'Frames that are unmapped are released first and shot down afterwards.',
    'memory',
    'munmap while a thread on another hart writes to the page, and somebody takes the frame',
    'src/kernel/address-space.ts',
    '    const tlb = Space.tlb.addr(space);\n    if (this.tables.codeChanged)',
    '    this.batch.release(this.frames);\n    const tlb = Space.tlb.addr(space);\n    if (this.tables.codeChanged)',
  ),
  defect(
    'fork-no-shootdown',
    'fork takes the right to write from the parent and does not tell its other harts: they go on writing to what the child has.',
    'processes',
    'fork while another thread of the parent writes to a page that it has written before',
    'src/kernel/space-fork.ts',
    '    spaces.flushLocked(parent);\n',
    '    spaces.tables.narrowed = false;\n',
  ),
  defect(
    'fork-copies-under-way',
    'fork copies pages at once although other threads write meanwhile: the child has what never was there at the same time.',
    'processes',
    'fork while another thread writes to one page after the other, and the child compares them',
    'src/kernel/spawn.ts',
    'Process.threadCount.peek(this.ram, parent) === 1 &&',
    'Process.threadCount.peek(this.ram, parent) >= 1 &&',
  ),
  defect(
    'cow-taken-with-two-owners',
    'Who writes first to a page that two have keeps it, instead of a copy: the other one sees what is written.',
    'processes',
    'writes of parent or child after fork',
    'src/kernel/address-space.ts',
    'const isAlone = frames.references(source) === 1;',
    'const isAlone = frames.references(source) <= 2;',
  ),
  defect(
    'cow-released-before-shootdown',
    'The frame that a copy replaces is released before other harts have forgotten it: the last owner may free it meanwhile.',
    'processes',
    'a thread reads a page that another thread of its process copies, while the child that has it too copies it or ends',
    'src/kernel/address-space.ts',
    '    this.batch.push(pteToAddress(this.tables.replace(slot, frame, Area.prot.get(ram, area))));\n',
    '    frames.release(pteToAddress(this.tables.replace(slot, frame, Area.prot.get(ram, area))));\n    this.tables.narrowed = true;\n',
  ),
  defect(
    'shared-page-twice',
    'Who fills a page of shared memory does not look again, under the lock, whether somebody was first: two processes have a page each.',
    'processes',
    'parent and child touch a page of shared memory for the first time at once',
    'src/kernel/contents.ts',
    '      frame = this.frameAt(content, page);\n      if (frame === 0 && this.putLocked',
    '      if (frame === 0 && this.putLocked',
  ),
  defect(
    'shared-futex-by-address',
    'A futex in shared memory is named by its address in a process: who waits in one is not found by another.',
    'processes',
    'a parent waits for a word in shared memory that its child changes',
    'src/kernel/user-copy.ts',
    'if (area !== 0 && Area.kind.get(ram, area) === AreaKind.Shared) {',
    'if (area !== 0 && Area.kind.get(ram, area) > AreaKind.Shared) {',
  ),
  defect(
    'frame-reference-lost',
    'A reference to a shared frame is counted without atomicity: of two at once one is lost, and the frame is released too often.',
    'memory',
    'processes of one program that touch its pages for the first time, on two harts, and end',
    'src/kernel/frames.ts',
    'if (addWord(this.ram, this.refOf(frame), 1) === 0) throw',
    `const references = loadWord(this.ram, this.refOf(frame));
    storeWord(this.ram, this.refOf(frame), references + 1);
    if (references === 0) throw`,
  ),
  defect(
    'frame-taken-twice',
    'Whoever takes a frame by its address does not look again, under the lock, whether it is still free.',
    'memory',
    'page faults of two processes on two harts, at the start of their programs',
    'src/kernel/frames.ts',
    '    const free = map.isFree(index);\n    if (free) map.takeLocked(index);\n',
    '    const free = true;\n    map.takeLocked(index);\n',
  ),
  defect(
    'slot-given-twice',
    'The first free slot of a pool is looked up before its lock is taken.',
    'threads',
    'threads or processes started, or memory mapped, by two harts at once',
    'src/kernel/slots.ts',
    '    this.locks.acquire(this.lock);\n    const link = PoolHeader.head.get(ram, base);\n',
    '    const link = PoolHeader.head.peek(ram, base);\n    this.locks.acquire(this.lock);\n',
  ),
  {
    name: 'idle-after-last-look',
    about:
      'A hart says that it is idle only after its last look at the queues: a thread that becomes ready between the two is stranded.',
    family: 'scheduling',
    hint: 'threads that wake one another on few harts, with pauses long enough to park',
    edits: [
      { file: 'src/kernel/hart-loop.ts', find: '    scheduler.setIdle();\n', replace: '' },
      {
        file: 'src/kernel/hart-loop.ts',
        find: '    return this.picked !== 0;\n',
        replace: '    if (this.picked === 0) this.kernel.scheduler.setIdle();\n    return this.picked !== 0;\n',
      },
    ],
  },
  defect(
    'park-without-last-look',
    'A hart that parks does not look at the queues of the others once more.',
    'scheduling',
    'a thread that becomes ready at a busy hart while another hart goes idle',
    'src/kernel/hart-loop.ts',
    '    this.picked = this.kernel.scheduler.pick();\n    return this.picked !== 0;\n',
    '    return this.picked !== 0;\n',
  ),
  defect(
    'steal-unlocked',
    'A thief takes a thread out of a queue without its lock.',
    'scheduling',
    'more threads than harts',
    'src/kernel/scheduler.ts',
    '      locks.acquire(queue);\n      const thread = stealLocked(ram, queue, this.hart);\n      locks.release(queue);\n',
    '      const thread = stealLocked(ram, queue, this.hart);\n',
  ),
  defect(
    'queue-length-wrong',
    'The length of a run queue is one too small once a thread has been taken from behind another: the last one is overlooked.',
    'scheduling',
    'several ready threads at one hart, some of which are bound to it (affinity), so that a thief skips them',
    'src/kernel/run-queue.ts',
    'RunQueue.length.put(ram, queue, RunQueue.length.peek(ram, queue) - 1);',
    'RunQueue.length.put(ram, queue, RunQueue.length.peek(ram, queue) - (prev === 0 ? 1 : 2));',
  ),
  defect(
    'pipe-sleep-after-look',
    'A reader lets go of the pipe between finding it empty and going to sleep: the bytes that come between wake nobody.',
    'pipes',
    'a writer, and a reader that waits',
    PIPE,
    '      result = this.sleepLocked(thread, file, pipe, Pipe.readers.addr(pipe), WaitReason.pipeRead);\n',
    `      locks.release(lock);
      locks.acquire(lock);
      result = this.sleepLocked(thread, file, pipe, Pipe.readers.addr(pipe), WaitReason.pipeRead);
`,
  ),
  defect(
    'pipe-reader-passes-nothing-on',
    'A reader that has been woken and leaves bytes does not wake the next one.',
    'pipes',
    'two readers that wait, and two writes in a row',
    PIPE,
    '      if (!ring.isEmptyLocked(pipe)) this.wakeOneLocked(Pipe.readers.addr(pipe));\n    }\n',
    '    }\n',
  ),
  defect(
    'pipe-writer-passes-nothing-on',
    'A writer that has been woken and leaves room does not wake the next one.',
    'pipes',
    'two writers that wait at a full pipe, which is emptied at once',
    PIPE,
    '    if (result !== BLOCKED && !ring.isFullLocked(pipe)) this.wakeOneLocked(Pipe.writers.addr(pipe));\n',
    '',
  ),
  defect(
    'pipe-dead-reader-keeps-wakeup',
    'A reader that was woken and dies before it looks keeps the wake-up for itself.',
    'pipes',
    'two readers that wait, one of which is killed when something is written',
    PIPE,
    '    if (!ring.isEmptyLocked(pipe)) this.wakeOneLocked(Pipe.readers.addr(pipe));\n    if (!ring.isFullLocked(pipe)) this',
    '    if (!ring.isFullLocked(pipe)) this',
  ),
  defect(
    'pipe-close-wakes-no-reader',
    'The last write end goes, and readers that wait are not told.',
    'pipes',
    'a reader that waits when the last write end is closed',
    PIPE,
    '      waits.wakeAllLocked(Pipe.readers.addr(pipe));\n',
    '',
  ),
  defect(
    'pipe-close-wakes-one-writer',
    'The last read end goes, and only the first of the writers that wait is told.',
    'pipes',
    'two writers that wait when the last read end is closed',
    PIPE,
    '      waits.wakeAllLocked(Pipe.writers.addr(pipe));\n',
    '      this.wakeOneLocked(Pipe.writers.addr(pipe));\n',
  ),
  defect(
    'pipe-end-before-drained',
    'A reader sees the end as soon as the last write end is closed, though there are bytes.',
    'pipes',
    'reads while the last write end is closed',
    PIPE,
    'while (error === 0 && to.left > 0 && !ring.isEmptyLocked(pipe)) {',
    'while (error === 0 && to.left > 0 && !ring.isEmptyLocked(pipe) && Pipe.writeopen.get(ram, pipe) > 0) {',
  ),
  defect(
    'pipe-room-look-stale',
    'A writer lets go of the pipe between its look whether there is room and putting its bytes in.',
    'pipes',
    'two writers at a pipe that has room for one',
    PIPE,
    '      error = ring.appendLocked(pipe, from, packet);\n',
    `      locks.release(lock);
      locks.acquire(lock);
      error = ring.appendLocked(pipe, from, packet);
`,
  ),
  defect(
    'pipe-bytes-look-stale',
    'A reader lets go of the pipe between its look whether there are bytes and taking them.',
    'pipes',
    'two readers of a pipe with bytes in it',
    PIPE,
    '      error = ring.takeLocked(pipe, to);\n',
    `      locks.release(lock);
      locks.acquire(lock);
      error = ring.takeLocked(pipe, to);
`,
  ),
  defect(
    'fifo-partner-missed',
    'Who opens a FIFO looks for an end that is open, not for one that has been opened: a partner that goes at once is missed.',
    'pipes',
    'one opens for reading and closes at once, one for writing',
    'src/ipc/fifo.ts',
    'if (partners.get(ram, pipe) === OpenFile.cookie.get(ram, file)) result',
    'if ((readable(files.flags(file)) ? Pipe.writeopen : Pipe.readopen).get(ram, pipe) === 0) result',
  ),
  defect(
    'poll-looks-before-it-registers',
    'Who polls looks at a pipe before it goes on its list, and lets go between the two.',
    'pipes',
    'a thread that polls a pipe, and another that writes to it',
    PIPE,
    '    watch?.addLocked(Pipe.polls.addr(pipe), lock);\n',
    `    locks.release(lock);
    locks.acquire(lock);
    watch?.addLocked(Pipe.polls.addr(pipe), lock);
`,
  ),
  defect(
    'poll-poke-unseen',
    'Who polls does not look for a poke before it sleeps.',
    'pipes',
    'a thread that polls two pipes, and others that write to them',
    'src/kernel/files/polls.ts',
    'if (Thread.poked.peek(ram, thread) === 0) {',
    'if (Thread.poked.peek(ram, thread) < 2) {',
  ),
  defect(
    'signal-unseen-by-sleeper',
    'A thread on its way to sleep does not look whether a signal has come meanwhile.',
    'signals',
    'a signal with a handler for a thread that is about to wait',
    'src/kernel/wait-queue.ts',
    'const DISTURBED = ThreadFlag.Killed | ThreadFlag.Signal | ThreadFlag.Stop;',
    'const DISTURBED = ThreadFlag.Killed;',
  ),
  defect(
    'signal-told-late',
    'A sender does not interrupt the hart that runs the thread.',
    'signals',
    'a signal for a thread that computes on another hart',
    'src/kernel/attention.ts',
    '    this.waits.disturb(thread);\n    this.interruptLocked(thread);\n',
    '    this.waits.disturb(thread);\n',
  ),
  defect(
    'signal-looked-for-first',
    'A sender looks whether the thread waits before it marks it.',
    'signals',
    'a signal with a handler for a thread that is about to wait',
    'src/kernel/attention.ts',
    '    Thread.flags.or(this.ram, thread, flag);\n    this.waits.disturb(thread);\n',
    '    this.waits.disturb(thread);\n    Thread.flags.or(this.ram, thread, flag);\n',
  ),
  defect(
    'continue-leaves-stop',
    'CONT does not discard a STOP that is pending.',
    'signals',
    'STOP and CONT for a process that has not stopped yet',
    'src/kernel/signal-send.ts',
    '    this.queues.discardLocked(process, STOPPING, 0);\n',
    '',
  ),
  defect(
    'stop-acts-on-stale',
    'A thread that has taken a STOP stops its process, although a CONT has come since.',
    'signals',
    'STOP and CONT for a process that is about to stop',
    'src/kernel/job-control.ts',
    'const stays = (flags & ThreadFlag.StopTaken) !== 0 && this.mayStopLocked',
    'const stays = this.mayStopLocked',
  ),
  defect(
    'signal-taken-unlocked',
    'A thread that accepts signals takes them without the lock of its process.',
    'signals',
    'two threads that accept the signals of their process',
    'src/kernel/signal-masks.ts',
    '    let result = this.queues.takeLocked(process, thread, ~wantedLow, ~high);\n',
    '    locks.release(lock);\n    let result = this.queues.takeLocked(process, thread, ~wantedLow, ~high);\n    locks.acquire(lock);\n',
  ),
  defect(
    'file-found-unheld',
    'Whoever looks a name up takes the reference to its file after letting go of the tree.',
    'files',
    'a file that is opened while its name is removed',
    'src/kernel/files/tree.ts',
    '      this.inodes.retain(inode);\n    }\n    locks.release(entries.lock);\n    return inode;',
    '    }\n    locks.release(entries.lock);\n    if (inode > 0) this.inodes.retain(inode);\n    return inode;',
  ),
  defect(
    'file-made-twice',
    'The tree is let go of between the look whether a name is there and making it.',
    'files',
    'two processes that make the same file, exclusively',
    'src/kernel/files/tree.ts',
    '    const error = this.checkCreateLocked(process, directory);\n    if (error < 0) return error;\n    const isDirectory',
    '    this.locks.release(entries.lock);\n    this.locks.acquire(entries.lock);\n    const error = this.checkCreateLocked(process, directory);\n    if (error < 0) return error;\n    const isDirectory',
  ),
  defect(
    'file-end-stale',
    'Who appends to a file lets go of it between the look where it ends and writing.',
    'files',
    'two processes that append to one file',
    'src/kernel/files/regular-file.ts',
    '    const start = positioned && !appends',
    '    inodes.unlock(inode);\n    inodes.lock(inode);\n    const start = positioned && !appends',
  ),
  defect(
    'file-lock-unsaid',
    'Nobody is woken when a lock on a file goes.',
    'files',
    'a process that waits for the lock of another',
    'src/kernel/files/file-locks.ts',
    '    if (dropped) this.waits.wakeAllLocked(Inode.lockWaiters.addr(inode));',
    '    if (dropped) return;',
  ),
  defect(
    'file-lock-looked-for-early',
    'Who waits for a lock on a file lets go of the file between its look and going to sleep.',
    'files',
    'a process that waits for the lock of another',
    'src/kernel/files/file-locks.ts',
    '    if (request.type !== LockType.None && this.conflictLocked(inode, request) !== 0) {\n',
    '    if (request.type !== LockType.None && this.conflictLocked(inode, request) !== 0) {\n      locks.release(lock);\n      locks.acquire(lock);\n',
  ),
];
