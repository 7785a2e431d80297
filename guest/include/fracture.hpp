// FractureOS's signals in C++, as its document has them:
//
//   fracture::signal::SignalManager::kill(42, fracture::signal::Signal::SIGTERM);
//   fracture::signal::SignalManager::signal(fracture::signal::Signal::SIGINT, my_handler);
//
// What happens then, and what differs from the document, is in fracture.h. The signals' names are macros of <signal.h>, which the names of
// an enumeration cannot be: this header makes constants of them, so it should come behind all others that use the macros.

#ifndef HARTBEAT_FRACTURE_HPP
#define HARTBEAT_FRACTURE_HPP

#include "fracture.h"

#undef SIGHUP
#undef SIGINT
#undef SIGQUIT
#undef SIGILL
#undef SIGTRAP
#undef SIGABRT
#undef SIGBUS
#undef SIGFPE
#undef SIGKILL
#undef SIGUSR1
#undef SIGSEGV
#undef SIGUSR2
#undef SIGPIPE
#undef SIGALRM
#undef SIGTERM
#undef SIGCHLD
#undef SIGCONT
#undef SIGSTOP
#undef SIGTSTP

namespace fracture::signal {

enum class Signal : int {
    SIGHUP = 1,
    SIGINT = 2,
    SIGQUIT = 3,
    SIGILL = 4,
    SIGTRAP = 5,
    SIGABRT = 6,
    SIGBUS = 7,
    SIGFPE = 8,
    SIGKILL = 9,
    SIGUSR1 = 10,
    SIGSEGV = 11,
    SIGUSR2 = 12,
    SIGPIPE = 13,
    SIGALRM = 14,
    SIGTERM = 15,
    SIGCHLD = 17,
    SIGCONT = 18,
    SIGSTOP = 19,
    SIGTSTP = 20,
};

using Handler = void (*)(int signal);

/// All functions return whether they have succeeded; errno says why not.
class SignalManager {
public:
    static bool kill(pid_t target, Signal signal)
    {
        return fracture_send_signal(target, static_cast<int>(signal)) == 0;
    }

    /// Has a handler run at a signal.
    static bool signal(Signal signal, Handler handler)
    {
        return set(signal, { FRACTURE_HANDLER, handler });
    }

    static bool ignore(Signal signal)
    {
        return set(signal, { FRACTURE_IGNORE, nullptr });
    }

    /// The default action again.
    static bool restore(Signal signal)
    {
        return set(signal, { FRACTURE_DEFAULT, nullptr });
    }

    static bool block(Signal signal)
    {
        return fracture_block_signal(0, static_cast<int>(signal)) == 0;
    }

    static bool unblock(Signal signal)
    {
        return fracture_unblock_signal(0, static_cast<int>(signal)) == 0;
    }

    /// Takes the first pending signal that is blocked; false: there is none.
    static bool process(Signal &signal)
    {
        int number = fracture_process_signals(0, nullptr);
        if (number > 0)
            signal = static_cast<Signal>(number);
        return number > 0;
    }

private:
    static bool set(Signal signal, fracture_action action)
    {
        return fracture_set_handler(0, static_cast<int>(signal), action) == 0;
    }
};

} // namespace fracture::signal

/// What the macros were.
constexpr int SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9, SIGUSR1 = 10,
              SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15, SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20;

#endif
