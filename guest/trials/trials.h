/*
 * The trials, a line each: TRIAL(name, group, arguments, summary); the function is `int NAME_trial(int argc, char **argv)`.
 *
 * Groups: linux  plain Linux, the same output here and under qemu-riscv64
 *         ports  VROS ports and the machine's own calls: only here
 *         fuzz   random, with arguments that repeat it
 *         bench  prints figures as key=value
 *         helper started by other trials
 * No include guard: it is included once per use of TRIAL.
 */

TRIAL(start, "linux", "[arguments]", "arguments, environment, auxiliary vector, stack alignment")
TRIAL(formats, "linux", "", "printf and strtod of integers, doubles and long doubles")
TRIAL(output, "linux", "[kilobytes]", "standard output and error by write, writev and stdio, in order")
TRIAL(heap, "linux", "[rounds]", "malloc, realloc, free of many sizes, from several threads too")
TRIAL(memory, "linux", "", "mmap, munmap, mprotect, madvise, brk and their errors")
TRIAL(stack, "linux", "", "deep recursion, in the main thread and in another")
TRIAL(threads, "linux", "", "mutex, condition, barrier, rwlock, once, thread-local storage, 64 threads")
TRIAL(futexes, "linux", "", "futex: wait, wake, requeue, bitsets, timeouts, errors")
TRIAL(atomics, "linux", "[rounds]", "C11 atomics of all widths across threads, message passing, Dekker")
TRIAL(lrsc, "linux", "[rounds]", "LR/SC: success, failure after another store, counters across threads")
TRIAL(barriers, "linux", "[rounds]", "membarrier: an asymmetric Dekker protocol across threads")
TRIAL(litmus, "linux", "[-v] [name|all|list [rounds]]", "memory model: what may be seen; atomicity; locks")
TRIAL(clocks, "linux", "", "clocks are monotonic and agree, sleeps last long enough")
TRIAL(identity, "linux", "", "uname, process and thread numbers, users, getrandom, sysinfo, names")
TRIAL(scheduling, "linux", "", "yield, affinity, priorities")
TRIAL(spawn, "linux", "", "posix_spawn, waitpid, exit codes, deaths by signal, errors")
TRIAL(signals, "linux", "", "handlers, flags, masks, pending sets, queues, waiting, the alternate stack")
TRIAL(restarts, "linux", "", "calls that signals break off: EINTR or made again, also over stop and continue")
TRIAL(exit_group, "linux", "", "a process ends while its threads compute, wait and sleep")
TRIAL(bad_pointers, "linux", "", "system calls given bad pointers: EFAULT, and the process lives on")
TRIAL(unknown_calls, "linux", "", "unknown system calls: ENOSYS")
TRIAL(floats, "linux", "", "libm sums, conversions, NaN, min/max, fma, classification")
TRIAL(rounding, "linux", "", "rounding modes and exception flags, kept across calls and threads")
TRIAL(hashes, "linux", "[kilobytes]", "sha256 and crc32 with known answers")
TRIAL(control, "linux", "", "qsort, bsearch, setjmp, computed jumps, variadic calls")
TRIAL(loops, "linux", "[kind [aloud]]", "endless loops without memory accesses are preempted and killed")
TRIAL(new_code, "linux", "", "code written at run time, run, written again, also by another thread")
TRIAL(integers, "linux", "", "division edge cases, shifts, 128-bit products, misaligned accesses")
TRIAL(ports_basic, "ports", "", "ports as specified: order, content, sender, ownership, the echo pattern")
TRIAL(ports_errors, "ports", "", "errno of every misuse, a full table, tagged names against reuse")
TRIAL(ports_waiting, "ports", "", "full queues, timeouts, destruction and death with waiters")
TRIAL(portstress, "ports", "[senders [each [receivers]]]", "many senders: none lost, doubled, out of order")
TRIAL(portrace, "ports", "[rounds]", "ports created and destroyed while others use them")
TRIAL(leaks, "ports", "[rounds]", "processes come and go: everything is given back")
TRIAL(deaths, "ports", "", "a parent dies in vfork; threads execute programs at once")
TRIAL(machine, "ports", "", "the machine's own calls: processes, harts, stats, marks")
TRIAL(fuzz, "fuzz", "[seed [rounds]]", "random system calls, processes killed at random: the machine goes on")
TRIAL(fuzz_child, "helper", "seed pid", "makes the calls of fuzz; spares the process pid and older ones")
TRIAL(hog, "helper", "what [keep]", "takes all there is of memory, tables, areas, threads, processes, ports or stack")
TRIAL(nullsyscall, "bench", "[calls]", "nanoseconds per getppid")
TRIAL(portpp, "bench", "[rounds] [pin A,B]", "nanoseconds per round trip between two processes")
TRIAL(mips, "bench", "[millions [kind]]", "guest instructions per second of a loop: mixed, alu, memory, branch, double")
TRIAL(compute, "bench", "[threads [units]]", "work per second of some threads")
TRIAL(input, "helper", "[size]", "reads standard input to its end, size bytes at a time; lines, bytes, crc")
TRIAL(child, "helper", "mode [argument]", "the other half of spawn, exit_group and the port trials")
