/* RACE(name in /bin, function, what goes wrong) */

RACE(lost-update, lost_update, "two threads count, and one of them is not counted")
RACE(overdrawn, overdrawn, "two threads see enough money in an account before either takes it")
RACE(crossed-locks, crossed_locks, "two threads take two locks in opposite orders, and wait for each other")
RACE(missing-recheck, missing_recheck, "a woken thread takes what another one has taken meanwhile")
RACE(lost-wakeup, lost_wakeup, "a signal is given between the look at the flag and the wait for it")
RACE(half-built, half_built, "an object is used before the thread that makes it has finished")
RACE(shared-slot, shared_slot, "two producers put into the same slot of a ring")
RACE(torn-pair, torn_pair, "a reader sees one half of a pair old, the other new")
RACE(gone-stack, gone_stack, "a thread uses its creator's stack after the creator has returned")
RACE(late-use, late_use, "a worker uses what the main thread puts away meanwhile")
RACE(endless-spin, endless_spin, "a thread spins until a counter is complete, and it never is")
