import type { IdRange } from './identity.ts'
import type { MountPlan, SystemView } from './mounts.ts'
import type { FilterArch } from './seccomp.ts'

/** The sandbox that this machine supports. It is the same for every attempt. */
export interface Sandbox {
  kind: 'bubblewrap' | 'util-linux'
  /** Absolute paths of the programs that build it. */
  tools: SandboxTools
  /** Arguments that create namespaces, as far as the kernel allows them. */
  namespaces: readonly string[]
  /** Whether a network of its own is possible. */
  ownNetwork: boolean
  /** Undefined: system calls are not filtered, because no program of this machine can load a filter. */
  filter: FilterArch | undefined
  /** Each attempt runs as a user of its own. Undefined: as the runner's user, which is not root. */
  ids: IdRange | undefined
  view: SystemView
}

export interface SandboxTools {
  /** For `bubblewrap`. */
  bwrap?: string | undefined
  /** For `util-linux`. */
  unshare?: string | undefined
  setpriv?: string | undefined
  /** Loads the filter and starts the loopback interface, where util-linux cannot. */
  interpreter?: Interpreter | undefined
  /** Whether setpriv loads filters: since util-linux 2.41. */
  setprivLoadsFilters?: boolean | undefined
  ip?: string | undefined
  /** PATH of the server, for the programs that prepare the files. */
  path: string
}

export interface Interpreter {
  name: 'perl' | 'python3'
  program: string
}

/** What is decided for one attempt. */
export interface SandboxRequest {
  mounts: MountPlan
  cwd: string
  /** Whether it has a network of its own. */
  ownNetwork: boolean
  shmBytes: number
  /** User and group of the attempt. Undefined: the runner's. */
  id: number | undefined
  /** The filter's file. */
  filterFile: string
  /** An empty folder in which `util-linux` builds the file system. */
  rootDir: string
}

/** The user ids of this process, for a sandbox that starts as root of a user namespace. */
export interface OwnIds {
  uid: number
  gid: number
}
