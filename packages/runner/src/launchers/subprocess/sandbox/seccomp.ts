import { CHECKED, FIRST_UNKNOWN, FORBIDDEN, MISSING } from './syscalls.ts'

export type FilterArch = 'x64' | 'arm64'

/** Operation codes of classic BPF: linux/bpf_common.h. */
const LOAD = 0x20 // BPF_LD | BPF_W | BPF_ABS
const IF_EQUAL = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
const IF_AT_LEAST = 0x35 // BPF_JMP | BPF_JGE | BPF_K
const IF_ANY_BIT = 0x45 // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06 // BPF_RET | BPF_K

/** Offsets in `struct seccomp_data` of linux/seccomp.h. Both architectures are little endian, so the low half is first. */
const NUMBER = 0
const ARCHITECTURE = 4
const argument = (index: number) => 16 + 8 * index

const ALLOW = 0x7fff0000
const failWith = (errno: number) => 0x00050000 | errno
const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

/** linux/audit.h */
const AUDIT_ARCH: Readonly<Record<FilterArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 }
/** Numbers of the x32 interface have this bit. */
const X32_BIT = 0x40000000

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of linux/sched.h. */
const NEW_NAMESPACES = 0x7e020000
/** They type into, or copy from, the terminal that started the server. */
const TERMINAL_REQUESTS = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c }
/** AF_VSOCK reaches the host of a virtual machine, whatever the network namespace. AF_ALG is the kernel's cryptography. */
const SOCKET_FAMILIES = { AF_ALG: 38, AF_VSOCK: 40 }

interface Instruction {
  code: number
  /** Instructions to skip if the condition is true. */
  yes: number
  /** Instructions to skip if it is false. */
  no: number
  value: number
}

const load = (offset: number): Instruction => ({ code: LOAD, yes: 0, no: 0, value: offset })
const end = (action: number): Instruction => ({ code: RETURN, yes: 0, no: 0, value: action })
/** Runs the next instruction only if the condition is true, else skips `length` instructions. */
const when = (code: number, value: number, length = 1): Instruction => ({ code, yes: 0, no: length, value })

/** The instructions that end system calls which no trainer needs. */
export function filterInstructions(arch: FilterArch): Instruction[] {
  const numbers = (calls: Readonly<Record<string, Record<FilterArch, number | undefined>>>): number[] =>
    Object.values(calls).flatMap((call) => call[arch] ?? [])
  /** A comparison of an argument's low half. The accumulator holds the argument afterwards, so nothing may follow. */
  const check = (name: keyof typeof CHECKED, index: number, tests: Instruction[]): Instruction[] => {
    const body = [load(argument(index)), ...tests, end(ALLOW)]
    return [when(IF_EQUAL, CHECKED[name][arch], body.length), ...body]
  }
  const refuse = (code: number, value: number, errno: number) => [when(code, value), end(failWith(errno))]
  return [
    load(ARCHITECTURE),
    // 32-bit programs have other numbers.
    { code: IF_EQUAL, yes: 1, no: 0, value: AUDIT_ARCH[arch] },
    end(failWith(ENOSYS)),
    load(NUMBER),
    ...(arch === 'x64' ? refuse(IF_ANY_BIT, X32_BIT, ENOSYS) : []),
    ...refuse(IF_AT_LEAST, FIRST_UNKNOWN, ENOSYS),
    ...numbers(FORBIDDEN).flatMap((number) => refuse(IF_EQUAL, number, EPERM)),
    ...numbers(MISSING).flatMap((number) => refuse(IF_EQUAL, number, ENOSYS)),
    ...check('clone', 0, refuse(IF_ANY_BIT, NEW_NAMESPACES, EPERM)),
    ...check(
      'ioctl',
      1,
      Object.values(TERMINAL_REQUESTS).flatMap((request) => refuse(IF_EQUAL, request, EPERM)),
    ),
    ...check(
      'socket',
      0,
      Object.values(SOCKET_FAMILIES).flatMap((family) => refuse(IF_EQUAL, family, EAFNOSUPPORT)),
    ),
    end(ALLOW),
  ]
}

/** The program as the kernel reads it: an array of `struct sock_filter`. */
export function assembleFilter(arch: FilterArch): Buffer {
  const instructions = filterInstructions(arch)
  const bytes = Buffer.alloc(instructions.length * 8)
  for (const [index, { code, yes, no, value }] of instructions.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(yes, index * 8 + 2)
    bytes.writeUInt8(no, index * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4)
  }
  return bytes
}

/** The architecture of this machine, if a filter exists for it. */
export function filterArch(): FilterArch | undefined {
  return process.arch === 'x64' || process.arch === 'arm64' ? process.arch : undefined
}
