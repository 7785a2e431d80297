/*
 * The applets of box, a line each: APPLET(name, arguments, summary). A summary of "" keeps an applet out of `help`.
 *
 * For every line there is a function `int NAME_main(int argc, char **argv)`, in NAME.c unless said otherwise, and a name in the
 * guest's /bin (scripts/guest-build.ts reads this list). No include guard: it is included once per use of APPLET.
 */

APPLET(sh, "[-i] [-c command]", "the shell")
APPLET(ps, "", "list the processes")
APPLET(kill, "[-signal] pid...", "send a signal, TERM unless told otherwise (kill -l lists them)")
APPLET(harts, "[seconds]", "load of every hart, measured over some time")
APPLET(uptime, "", "time since power-on, and what is in use")
APPLET(ipctest, "", "start two processes that talk through a VROS port")
APPLET(ipcstop, "", "stop what ipctest started")
APPLET(ipc_echo, "[text...]", "request and reply through ports")
APPLET(hello, "", "say hello")
APPLET(echo, "[-n] [text...]", "print its arguments")
APPLET(sleep, "seconds", "wait")
APPLET(spin, "[seconds]", "burn CPU time")
APPLET(true, "", "do nothing, successfully")
APPLET(false, "", "do nothing, unsuccessfully")
APPLET(ipc_server, "", "")
APPLET(ipc_client, "port", "")
