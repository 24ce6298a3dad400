import type { SandboxTools } from './sandbox.ts'
import type { FilterArch } from './seccomp.ts'

/** The number of `prctl`, which Perl cannot name. */
const PRCTL: Readonly<Record<FilterArch, number>> = { x64: 157, arm64: 167 }

/**
 * Loads the filter in `$1` and becomes the rest of the command. PR_SET_NO_NEW_PRIVS is 38, PR_SET_SECCOMP is 22, and
 * SECCOMP_MODE_FILTER is 2.
 */
const PERL = (prctl: number) =>
  `open(my $f,"<:raw",shift)or exit 126;local $/;my $b=<$f>;close $f;my $p=pack("S x![P] P",length($b)/8,$b);` +
  `syscall(${prctl},38,1,0,0,0)==0 or exit 126;syscall(${prctl},22,2,$p,0,0)==0 or exit 126;` +
  `exec {$ARGV[0]} @ARGV;exit 127`

const PYTHON = `import ctypes,os,sys
b=open(sys.argv[1],"rb").read()
class P(ctypes.Structure): _fields_=[("n",ctypes.c_ushort),("f",ctypes.c_char_p)]
c=ctypes.CDLL(None)
p=P(len(b)//8,b)
if c.prctl(38,1,0,0,0)!=0 or c.prctl(22,2,ctypes.byref(p),0,0)!=0: sys.exit(126)
os.execvp(sys.argv[2],sys.argv[2:])`

/**
 * The arguments in front of a command that load a filter, where bubblewrap does not. Debian and Ubuntu always have Perl, Fedora
 * and its relatives Python. Undefined: this machine has no program that can do it.
 */
export function loadFilter(tools: SandboxTools, arch: FilterArch, file: string): string[] | undefined {
  const { setpriv, setprivLoadsFilters, interpreter } = tools
  if (setpriv !== undefined && setprivLoadsFilters === true) return [setpriv, `--seccomp-filter=${file}`, '--']
  if (interpreter?.name === 'perl') return [interpreter.program, '-e', PERL(PRCTL[arch]), '--', file]
  if (interpreter?.name === 'python3') return [interpreter.program, '-I', '-S', '-c', PYTHON, file]
  return undefined
}

/** SIOCSIFFLAGS is 0x8914; IFF_UP is 1. */
const PERL_UP = `use Socket;socket(my $s,AF_INET,SOCK_DGRAM,0)or exit 126;my $r=pack("a16 s x14","lo",1);
ioctl($s,0x8914,$r)or exit 126;exec {$ARGV[0]} @ARGV;exit 127`

const PYTHON_UP = `import fcntl,os,socket,struct,sys
fcntl.ioctl(socket.socket(socket.AF_INET,socket.SOCK_DGRAM),0x8914,struct.pack("16sh14x",b"lo",1))
os.execvp(sys.argv[1],sys.argv[1:])`

const IP_UP = '"$1" link set lo up || exit 126; shift; exec "$@"'

/** The arguments in front of a command that start the loopback interface of a new network. */
export function startLoopback({ ip, interpreter }: SandboxTools): string[] | undefined {
  if (ip !== undefined) return ['/bin/sh', '-c', IP_UP, 'trainyard-init', ip]
  if (interpreter?.name === 'perl') return [interpreter.program, '-e', PERL_UP, '--']
  if (interpreter?.name === 'python3') return [interpreter.program, '-I', '-S', '-c', PYTHON_UP]
  return undefined
}
