/*
 * What is given to Debian's busybox and bash: shell programs that say the same wherever they run. Each begins in an empty directory.
 */

export interface ShellCase {
  readonly name: string;
  readonly script: string;
}

/** For `busybox sh` and for bash alike. */
export const COMMON: readonly ShellCase[] = [
  { name: 'a pipeline', script: 'printf "b\\na\\nc\\n" | sort | head -n 2 | tr a-z A-Z' },
  { name: 'ls | grep', script: 'touch a.txt b.c c.txt d; ls | grep "\\.txt$"' },
  { name: 'the status of a pipeline', script: 'false | true; echo $?; true | false; echo $?' },
  { name: 'a command that is not there', script: 'no-such-command 2>/dev/null; echo $?' },
  { name: 'redirections', script: 'echo one >f; echo two >>f; cat <f; wc -l <f; ls nothing 2>err; test -s err && echo told' },
  { name: 'both outputs in one', script: '{ echo out; echo err >&2; } >both 2>&1; sort both' },
  { name: 'descriptors of its own', script: 'exec 5>f; echo five >&5; exec 5>&-; cat f; (echo x >&5) 2>/dev/null || echo closed' },
  { name: 'here-documents', script: 'x=7; cat <<END\nx is $x\n$(echo sub)\nEND\ncat <<"END"\n$x\nEND' },
  { name: 'command substitution', script: 'n=$(seq 1 10 | wc -l); echo "$((n + 1))"; echo "$(echo "$(echo deep)")"' },
  { name: 'subshells', script: 'x=1; (x=2; echo $x); echo $x; (exit 7); echo $?' },
  { name: 'background jobs and wait', script: 'sleep 0.05 & p=$!; wait $p; echo $?; (exit 3) & wait $!; echo $?' },
  { name: 'loops', script: 'for i in 1 2 3; do echo $i; done; i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i' },
  { name: 'functions and arguments', script: 'f() { echo "$# $1"; return 4; }; f a b; echo $?; set -- x y; echo "$@"' },
  { name: 'and, or, not', script: 'true && echo a; false || echo b; ! false && echo c; false && echo d; echo e' },
  { name: 'globbing', script: 'mkdir d; touch d/a1 d/a2 d/b1; echo d/a*; echo d/?1; echo nothing*' },
  { name: 'case', script: 'for w in apple banana x; do case $w in a*) echo A;; b*|c*) echo B;; *) echo other;; esac; done' },
  { name: 'traps', script: "trap 'echo bye' EXIT; trap 'echo usr1' USR1; kill -USR1 $$; echo on" },
  { name: 'a signal that kills a child', script: 'sleep 10 & kill $!; wait $! 2>/dev/null; echo $?' },
  { name: 'a writer whose reader goes', script: 'yes | head -n 3; echo done' },
  { name: 'a large pipe', script: 'seq 1 50000 | tail -n 1; seq 1 20000 | wc -c' },
  { name: 'a long pipeline', script: `echo x | ${'cat | '.repeat(20)}cat` },
  { name: 'a FIFO', script: 'mkfifo p; echo through >p & cat p; wait; test -p p && echo fifo' },
  { name: 'directories', script: 'mkdir -p a/b/c; cd a/b; pwd | grep -o "a/b$"; cd ..; ls; rmdir b 2>/dev/null || echo full; rm -r b; ls' },
  { name: 'links', script: 'echo x >f; ln f g; ln -s f s; cat g s; rm f; cat g; cat s 2>/dev/null || echo broken; readlink s' },
  { name: 'permissions', script: 'umask 027; echo >f; mkdir d; stat -c "%a %n" f d; chmod 640 f; stat -c %a f; chmod u+x f; test -x f && echo x' },
  { name: 'mv and cp', script: 'echo 1 >a; cp a b; mv b c; cat c; mkdir d; mv a c d; ls d; cp -r d e; ls e' },
  { name: 'test', script: 'touch f; [ -e f ] && [ -f f ] && [ ! -d f ] && [ ! -s f ] && echo ok; [ 3 -gt 2 ] && [ a != b ] && echo ok' },
  { name: 'find and xargs', script: 'mkdir -p a/b; touch a/1.c a/b/2.c a/b/x; find a -name "*.c" | sort; find a -type f | sort | xargs echo' },
  { name: 'sed', script: 'printf "one\\ntwo\\nthree\\n" | sed -n "2p;s/e/E/gp"; echo abc | sed "s/\\(.\\)b/\\1-/"' },
  { name: 'awk', script: `printf "a 1\\nb 2\\nc 3\\n" | awk '{ s += $2 } END { print s, NR }'; echo x:y | awk -F: '{ print $2 }'` },
  { name: 'cut, paste, uniq, tr', script: 'printf "a:b\\na:b\\nc:d\\n" | uniq -c | tr -s " " | cut -d: -f2; printf "1\\n2\\n" | paste -s -d+' },
  { name: 'sort', script: 'printf "10\\n9\\n100\\n" | sort -n; printf "b\\na\\nb\\n" | sort -u; printf "x 2\\ny 1\\n" | sort -k2' },
  { name: 'tar', script: 'mkdir d; echo hi >d/f; ln -s f d/l; tar cf t.tar d; rm -r d; tar tf t.tar | sort; tar xf t.tar; cat d/l' },
  { name: 'gzip', script: 'seq 1 1000 >f; gzip f; ls; gunzip f.gz; tail -n 1 f' },
  { name: 'checksums', script: 'printf abc | md5sum; printf abc | sha256sum' },
  { name: 'dd and od', script: 'dd if=/dev/zero of=f bs=1k count=3 2>/dev/null; wc -c <f; printf "AB" | od -An -tx1 | tr -d " "' },
  { name: 'head, tail, tac, rev', script: 'seq 5 >f; head -n 2 f; tail -n 2 f; tail -c 4 f; rev <f | head -n 1' },
  { name: 'device files', script: 'echo x >/dev/null; head -c 4 /dev/zero | wc -c; cat /dev/null; test -c /dev/null && echo dev; echo x >/dev/full || echo no' },
  { name: 'env', script: 'A=1 env | grep "^A="; env -i B=2 /bin/sh -c "echo \\$B" 2>/dev/null || true' },
  { name: 'time goes on', script: 'a=$(date +%s); sleep 0.1; b=$(date +%s); [ "$b" -ge "$a" ] && echo ok' },
  { name: 'read', script: 'printf "a b\\nc\\n" | while read x y; do echo "[$x][$y]"; done; IFS=: read p q <<END\n1:2\nEND\necho $q' },
  { name: 'a script file', script: 'printf "#!/bin/sh\\necho script \\$1\\n" >s; chmod +x s; ./s arg; sh s other; chmod -x s; ./s 2>/dev/null; echo $?' },
  { name: 'exit statuses', script: '(exit 300); echo $?; sh -c "kill -9 \\$\\$"; echo $?; sh -c "kill -TERM \\$\\$"; echo $?' },
  { name: 'nested shells', script: 'sh -c "sh -c \\"sh -c \\\'echo deep\\\'\\""; echo $?' },
  { name: 'many children', script: 'i=0; while [ $i -lt 30 ]; do (exit $((i % 3))) & i=$((i+1)); done; wait; echo all' },
  { name: 'two that talk through FIFOs', script: 'mkfifo a b; (read x <a; echo "got $x" >b) & echo ping >a; cat b; wait' },
  { name: 'kill 0 stays in its group', script: 'sh -c "trap \\"echo caught; exit 5\\" TERM; kill -TERM \\$\\$; sleep 1"; echo $?' },
  { name: 'substitution of a large output', script: 'x=$(seq 1 5000); echo ${#x}' },
  { name: 'appending by several', script: 'for i in 1 2 3 4; do (for j in 1 2 3 4 5; do echo "$i$j"; done) >>f & done; wait; sort f | uniq | wc -l' },
]; // prettier-ignore

/** What only bash does. */
export const BASH: readonly ShellCase[] = [
  { name: 'arrays', script: 'a=(x y z); echo ${#a[@]} ${a[1]}; declare -A m; m[k]=v; echo ${m[k]}' },
  { name: 'process substitution', script: 'cat <(echo one) <(echo two); diff <(printf "a\\n") <(printf "a\\n") && echo same' },
  { name: 'PIPESTATUS', script: 'true | false | (exit 3); echo ${PIPESTATUS[@]}' },
  { name: 'a coprocess', script: 'coproc cat; echo hello >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x; kill $COPROC_PID; wait 2>/dev/null; echo end' },
  { name: 'here-strings', script: 'cat <<<"a string"; read x y <<<"1 2"; echo $y' },
  { name: 'expressions', script: '[[ abc == a* && ! -e nothing ]] && echo yes; (( 3 > 2 )) && echo more; echo $(( 2 ** 40 ))' },
  { name: 'wait -n', script: '(exit 4) & wait -n; echo $?' },
  { name: 'read with a timeout', script: 'read -t 0.05 x < <(sleep 1); echo $(( $? > 128 ))' },
  { name: 'pipefail', script: 'set -o pipefail; false | true; echo $?' },
  { name: 'job control in a script', script: 'set -m; sleep 0.05 & jobs | grep -c Running; wait; echo done' },
  { name: 'traps of children', script: "trap 'echo chld' CHLD; (exit 1) & wait $!; echo after" },
  { name: 'string operations', script: 'x=hello.tar.gz; echo ${x%%.*} ${x##*.} ${x/tar/zip} ${x^^} ${x:1:3}' },
  { name: 'printf', script: 'printf "%05d %x %s\\n" 42 255 str; printf "%(%Y)T\\n" 0' },
]; // prettier-ignore
