/** A system call's numbers by architecture. Undefined: the architecture does not have it. */
interface Numbers {
  x64: number | undefined
  arm64: number | undefined
}

const both = (x64: number | undefined, arm64: number | undefined): Numbers => ({ x64, arm64 })
/** Since Linux 5.1, new calls have the same number everywhere. */
const same = (number: number): Numbers => both(number, number)

/**
 * Calls that no trainer needs, and through which programs escaped from containers or reached parts of the kernel that only
 * administrators use. They fail with EPERM.
 * Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
 */
export const FORBIDDEN: Readonly<Record<string, Numbers>> = {
  acct: both(163, 89),
  add_key: both(248, 217),
  adjtimex: both(159, 171),
  bpf: both(321, 280),
  chroot: both(161, 51),
  clock_adjtime: both(305, 266),
  clock_settime: both(227, 112),
  create_module: both(174, undefined),
  delete_module: both(176, 106),
  fanotify_init: both(300, 262),
  finit_module: both(313, 273),
  fsconfig: same(431),
  fsmount: same(432),
  fsopen: same(430),
  fspick: same(433),
  init_module: both(175, 105),
  ioperm: both(173, undefined),
  iopl: both(172, undefined),
  kcmp: both(312, 272),
  kexec_file_load: both(320, 294),
  kexec_load: both(246, 104),
  keyctl: both(250, 219),
  lookup_dcookie: both(212, 18),
  mount: both(165, 40),
  mount_setattr: same(442),
  move_mount: same(429),
  name_to_handle_at: both(303, 264),
  open_by_handle_at: both(304, 265),
  open_tree: same(428),
  open_tree_attr: same(467),
  perf_event_open: both(298, 241),
  pidfd_getfd: same(438),
  pivot_root: both(155, 41),
  process_madvise: same(440),
  process_vm_readv: both(310, 270),
  process_vm_writev: both(311, 271),
  ptrace: both(101, 117),
  quotactl: both(179, 60),
  quotactl_fd: same(443),
  reboot: both(169, 142),
  request_key: both(249, 218),
  setdomainname: both(171, 162),
  sethostname: both(170, 161),
  setns: both(308, 268),
  settimeofday: both(164, 170),
  swapoff: both(168, 225),
  swapon: both(167, 224),
  syslog: both(103, 116),
  umount2: both(166, 39),
  unshare: both(272, 97),
  uselib: both(134, undefined),
  userfaultfd: both(323, 282),
  vhangup: both(153, 58),
}

/** Programs try another way when these calls do not exist, and stop when they are forbidden. They fail with ENOSYS. */
export const MISSING: Readonly<Record<string, Numbers>> = {
  // Its flags are in memory, where a filter cannot read them. C libraries use `clone` instead.
  clone3: same(435),
  io_uring_setup: same(425),
  io_uring_enter: same(426),
  io_uring_register: same(427),
}

/** Calls whose arguments decide. */
export const CHECKED = {
  clone: { x64: 56, arm64: 220 },
  ioctl: { x64: 16, arm64: 29 },
  socket: { x64: 41, arm64: 198 },
} as const satisfies Readonly<Record<string, Numbers>>

/** The first number that is newer than this list. Programs have to work without newer calls, because older kernels exist. */
export const FIRST_UNKNOWN = 472
