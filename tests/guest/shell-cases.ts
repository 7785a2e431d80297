/*
 * What the shell and its tools are to do, as data: what is run, what it prints, its status. The same must hold for another POSIX shell and
 * another system's tools (shell.test.ts asks them too).
 */

export interface ShellCase {
  readonly command: string;
  readonly stdout: string;
  /** 0 unless given. */
  readonly status?: number;
  /** There is something on stderr. */
  readonly complains?: boolean;
}

/** The language. */
export const LANGUAGE: readonly ShellCase[] = [
  { command: 'echo a | cat | cat', stdout: 'a\n' },
  { command: 'echo one |\n\n cat', stdout: 'one\n' },
  { command: 'yes | head -n 3', stdout: 'y\ny\ny\n' },
  { command: `seq 100 ${'| cat '.repeat(50)}| tail -n 1`, stdout: '100\n' },
  { command: 'seq 5 | (cat; echo end) | tail -n 2', stdout: '5\nend\n' },
  { command: 'false | true', stdout: '' },
  { command: 'true | false', stdout: '', status: 1 },
  { command: '! true', stdout: '', status: 1 },
  { command: '! false | false', stdout: '' },
  { command: 'true && echo x || echo y; false && echo x || echo y', stdout: 'x\ny\n' },
  { command: 'false ||\necho next', stdout: 'next\n' },
  { command: '(echo a; echo b) | sort -r', stdout: 'b\na\n' },
  { command: '(exit 7) || echo no $?', stdout: 'no 7\n' },
  { command: 'A=1; (A=2; echo $A); echo $A', stdout: '2\n1\n' },
  { command: 'A=1; echo $A "$A" \'$A\' ${A}x; B=$A$A; echo $B', stdout: '1 1 $A 1x\n11\n' },
  { command: 'A="a  b"; echo $A; echo "$A"', stdout: 'a b\na  b\n' },
  { command: "A=5 sh -c 'echo $A'; echo [$A]", stdout: '5\n[]\n' },
  { command: "Q=7; sh -c 'echo [$Q]'; export Q; sh -c 'echo [$Q]'; unset Q; echo [$Q]", stdout: '[]\n[7]\n[]\n' },
  { command: "sh -c 'echo $0 $# $2 \"$@\"; shift; echo $1' name 'a b' c", stdout: 'name 2 c a b c\nc\n' },
  { command: 'PATH=/nowhere; hello', stdout: '', status: 127, complains: true },
  { command: 'nosuchprogram; echo $?', stdout: '127\n', complains: true },
  { command: '/nosuch/program; echo $?', stdout: '127\n', complains: true },
  { command: "sh -c 'kill -9 $$'; echo $?", stdout: '137\n', complains: true },
  { command: "sh -c 'kill -PIPE $$' | cat; kill -0 $$; echo $?", stdout: '0\n' },
  { command: "sh -c 'exit 5' & wait $!; echo $?", stdout: '5\n' },
  { command: 'true & false & wait; echo $?', stdout: '0\n' },
  { command: 'wait 99999; echo $?', stdout: '127\n' },
  { command: '(sleep 0.05; echo late) & echo early; wait', stdout: 'early\nlate\n' },
  { command: 'false && true & wait $!; echo $?', stdout: '1\n' },
  { command: 'echo to stderr 1>&2', stdout: '', complains: true },
  { command: '(echo out; echo err 1>&2) 2>&1 | sort', stdout: 'err\nout\n' },
  { command: 'echo lost >&-; echo $?', stdout: '1\n', complains: true },
  { command: 'echo x 3>&1 >&3', stdout: 'x\n' },
  { command: 'exec echo replaced; echo never', stdout: 'replaced\n' },
  { command: 'exit 9; echo never', stdout: '', status: 9 },
  { command: 'echo a;; echo b', stdout: '', status: 2, complains: true },
  { command: 'echo a | ; echo b', stdout: '', status: 2, complains: true },
  { command: '(echo a', stdout: '', status: 2, complains: true },
  { command: 'echo a)', stdout: '', status: 2, complains: true },
  { command: 'echo a#b # c', stdout: 'a#b\n' },
  { command: 'echo a\\\nb', stdout: 'ab\n' },
  { command: ': | : && echo $?', stdout: '0\n' },
];

/** Redirections, names of files, directories. */
export const FILES: readonly ShellCase[] = [
  { command: 'sleep 10 & kill $!; wait $! 2> e; echo $?', stdout: '143\n' },
  { command: 'echo hi > f; cat < f; echo ho >> f; cat f; echo new > f; cat f', stdout: 'hi\nhi\nho\nnew\n' },
  { command: 'cat nothing 2> e; grep -c . e; cat nothing > e 2>&1; wc -l < e', stdout: '1\n1\n', status: 0 },
  { command: 'cat < nothing; echo $?', stdout: '2\n', complains: true },
  { command: 'echo x > no/where; echo $?', stdout: '2\n', complains: true },
  { command: 'echo x <> made; ls', stdout: 'x\nmade\n' },
  { command: 'exec > f; echo x; exec >&2; cat f', stdout: '', complains: true },
  { command: 'exec 5> f 6>&1; echo x >&5; exec 5>&-; cat f >&6', stdout: 'x\n' },
  { command: '> empty; wc -c < empty', stdout: '0\n' },
  { command: 'pwd > f; cd / > g; pwd; cd - > /dev/null; ls', stdout: '/\nf\ng\n' },
  { command: 'touch a1 a2 b1 .h; echo a* b? [ab]1 [!a]1 z* "a*" .h*', stdout: 'a1 a2 b1 a1 b1 b1 z* a* .h\n' },
  { command: 'mkdir d e; touch d/x d/y e/x; echo d/* */x ./e/? */', stdout: 'd/x d/y d/x e/x ./e/x d/ e/\n' },
  { command: "touch 'a b' '*'; A='*'; ls | wc -l; echo \"$A\"; cat \"a b\"", stdout: '2\n*\n' },
  { command: "echo 'echo script $1' > s; sh s one; chmod 755 s; ./s two", stdout: 'script one\nscript two\n' },
  { command: 'echo A=3 > v; . ./v; echo $A', stdout: '3\n' },
  { command: 'echo x > f; chmod 644 f; ./f; echo $?', stdout: '126\n', complains: true },
  { command: 'cat & wait; echo at the end', stdout: 'at the end\n' },
  { command: 'mkfifo p; (echo through > p &); cat p', stdout: 'through\n' },
  { command: 'umask 027; touch f; mkdir d; ls -ld f d | head -c 10; umask', stdout: 'drwxr-x---0027\n' },
];

/** The small tools, without files. */
export const TOOLS: readonly ShellCase[] = [
  {
    command: 'seq 2 3 11; seq 3 -1 1; seq -w 9 10; seq -s , 3; seq 0.5 0.5 1.5',
    stdout: '2\n5\n8\n11\n3\n2\n1\n09\n10\n1,2,3\n0.5\n1.0\n1.5\n',
  },
  {
    command: 'seq 100 | head -n 2; seq 100 | head -c 3; seq 100 | tail -n 2; seq 100 | tail -n +99',
    stdout: '1\n2\n1\n299\n100\n99\n100\n',
  },
  { command: 'seq 30 | grep 2 | grep -v 1 | wc -l', stdout: '10\n' },
  {
    command: "seq 12 | grep -n '^1'; seq 12 | grep -c 1; seq 9 | grep -E '^(3|7)$'; echo a.b | grep -F a.b",
    stdout: '1:1\n10:10\n11:11\n12:12\n4\n3\n7\na.b\n',
  },
  {
    command: "echo One two oneone | grep -io 'one'; echo ab a | grep -ow a; echo x | grep -q y",
    stdout: 'One\none\none\na\n',
    status: 1,
  },
  { command: "echo x | grep '['", stdout: '', status: 2, complains: true },
  { command: "(echo 10; echo 9; echo -3; echo 2.5; echo 9) | sort -n | uniq -c | grep '2 9$' | wc -l", stdout: '1\n' },
  { command: '(echo 10; echo 9; echo -3; echo 2.5; echo 9) | sort -nu', stdout: '-3\n2.5\n9\n10\n' },
  { command: 'seq 20000 | sort -rn | head -n 1', stdout: '20000\n' },
  { command: 'echo one two | wc -w; echo one two | wc', stdout: '2\n      1       2       8\n' },
  { command: 'echo a | tee | cat -n', stdout: '     1\ta\n' },
  { command: 'env -i A=1 env; A=2 printenv A; env nosuch; echo $?', stdout: 'A=1\n2\n127\n', complains: true },
  { command: 'kill -l 9; kill -l 137', stdout: 'KILL\nKILL\n' },
];

/** The tools with files. */
export const FILE_TOOLS: readonly ShellCase[] = [
  { command: 'mkdir d; touch d/b d/a .h; ls; ls -a d; ls -A; ls -d d; ls -F', stdout: 'd\n.\n..\na\nb\n.h\nd\nd\nd/\n' },
  { command: 'mkdir -p a/b; touch a/b/c; ls -R', stdout: '.:\na\n\n./a:\nb\n\n./a/b:\nc\n' },
  {
    command: 'echo hello > f; chmod 640 f; ln f g; ls -l f | head -c 12; wc -c f; ls nothing; echo $?',
    stdout: '-rw-r----- 26 f\n2\n',
    complains: true,
  },
  { command: 'mkfifo -m 600 p; ln -s p s; ls -lF | tail -n 2 | grep -c "[|@]$\\|s -> p|$"', stdout: '2\n' },
  { command: 'echo 1 > a; cp a b; mv a c; mkdir d; cp b c d; ls . d; cat d/c', stdout: '.:\nb\nc\nd\n\nd:\nb\nc\n1\n' },
  { command: 'mkdir -p a/b; echo x > a/b/c; cp -r a z; cat z/b/c; rm -r a z; ls', stdout: 'x\n' },
  { command: 'rm no; echo $?; rm -f no; mkdir d; rm d; echo $?; rmdir d; ls', stdout: '1\n1\n', complains: true },
  { command: 'echo a > f; echo b | tee -a f g; cat f g', stdout: 'b\na\nb\nb\n' },
  {
    command: 'mkdir d; echo here > d/f; echo gone > g; grep -r here d; grep -l o g d/f; grep here g d/f nothing; echo $?',
    stdout: 'd/f:here\ng\nd/f:here\n2\n',
    complains: true,
  },
  { command: 'mkdir d; mkdir d; echo $?; mkdir -p d e/f; ls e; rmdir e; echo $?', stdout: '1\nf\n1\n', complains: true },
  { command: 'seq 3 > f; cat f - f < f | wc -l; head -n 1 f f | wc -l; tail -n 1 f', stdout: '9\n5\n3\n' },
];
