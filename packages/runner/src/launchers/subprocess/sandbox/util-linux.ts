import { loadFilter, startLoopback } from './load-filter.ts'
import type { Mount } from './mounts.ts'
import { dropPrivileges, dropToUser } from './privileges.ts'
import type { OwnIds, Sandbox, SandboxRequest } from './sandbox.ts'

/** The name of all processes that prepare the sandbox, in their arguments. */
export const INIT = 'trainyard-init'

/**
 * Builds the files of the sandbox in an empty folder, makes them the root, and becomes the rest of the command. It runs as
 * process 1 of its own namespaces, as root of the machine or of a user namespace.
 * Arguments: the folder, the size of /dev/shm, the PATH of the server, the trainer's folder, whether /proc is read-only, then
 * groups of three (`ro|rw|link|empty|seal|device`, source, target) with `lock` in between, then `--` and the command.
 *
 * - The kernel keeps flags such as nosuid of mounts from other namespaces, so a remount repeats all flags that a mount has.
 * - `lock` makes every mount below a folder read-only, because a remount does not include the mounts in it.
 */
const SETUP = `
fail() { echo "trainyard: the sandbox did not start: $1" >&2; exit 126; }
root=$1 shm=$2 trainer_path=$PATH PATH=$3 folder=$4 proc=$5; shift 5
umask 022
lock() {
while read -r _ _ _ _ point flags _; do
case $point in *\\\\*) point=$(printf '%b' "$point") ;; esac
case $point in "$root"?*) ;; *) continue ;; esac
case $point in "$1" | "$1"/*) ;; *) continue ;; esac
mount -o "remount,bind,ro,nosuid,nodev\${flags#r?}" "$point" || fail "cannot protect $point"
done <<MOUNTS
$(cat /proc/self/mountinfo)
MOUNTS
}
place() {
if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root\${2%/*}" && { [ -e "$root$2" ] || : > "$root$2"; }; fi
mount --rbind "$1" "$root$2" || fail "cannot show $2"
}
mount -t tmpfs -o size=16m,mode=755,nosuid,nodev trainyard "$root" || fail "cannot mount"
while [ "$1" != -- ]; do
case $1 in
lock) lock "$root$3" ;;
ro) place "$2" "$3" ;;
rw) place "$2" "$3"; mount -o remount,bind,rw,nosuid,nodev "$root$3" 2>/dev/null || : ;;
device) place "$2" "$3" ;;
seal) mount -o remount,bind,ro,nosuid,nodev "$root$3" || fail "cannot protect $3" ;;
empty) mkdir -p "$root$3" && mount -t tmpfs -o size=1m,mode=755 trainyard "$root$3" || fail "cannot hide $3" ;;
link) mkdir -p "$root\${3%/*}"; [ -e "$root$3" ] || [ -L "$root$3" ] || ln -s "$2" "$root$3" || fail "cannot link $3" ;;
esac
shift 3
done
shift
mkdir -p "$root/proc" "$root/dev" "$root/.machine"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc" || fail "cannot mount /proc"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o "size=$shm,mode=1777,nosuid,nodev" trainyard "$root/dev/shm" || fail "cannot mount /dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts" 2>/dev/null && ln -s pts/ptmx "$root/dev/ptmx"
for link in fd: stdin:/0 stdout:/1 stderr:/2; do ln -s "/proc/self/fd\${link#*:}" "$root/dev/\${link%%:*}"; done
cd "$root" && pivot_root . .machine && cd / && umount -l /.machine && rmdir /.machine || fail "cannot change the root"
[ "$proc" = rw ] || mount -o remount,bind,ro,nosuid,nodev,noexec /proc || fail "cannot protect /proc"
mount -o remount,bind,ro,nosuid,nodev / || fail "cannot protect /"
cd "$folder" || fail "cannot enter $folder"
PATH=$trainer_path
exec "$@"`

/** Process 1: waits for all processes that lose their parent, and ends with the trainer. */
const WAIT = '"$@"; exit $?'

const DEVICES = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty']

/** The arguments in front of a command that runs in namespaces made by util-linux. */
export function utilLinuxCommand(sandbox: Sandbox, request: SandboxRequest, own: OwnIds): string[] {
  const { tools, namespaces, filter, view } = sandbox
  const { mounts, ownNetwork, id } = request
  const { unshare = 'unshare' } = tools
  return [
    ...[unshare, ...namespaces, ...(ownNetwork ? ['--net'] : []), '--fork', '--kill-child', '--'],
    ...(ownNetwork ? (startLoopback(tools) ?? []) : []),
    ...['/bin/sh', '-c', SETUP, INIT],
    ...[request.rootDir, String(request.shmBytes), tools.path, request.cwd, id === undefined ? 'rw' : 'ro'],
    ...mounts.system.flatMap(setupArgs),
    ...['lock', '-', ''],
    ...[...DEVICES, ...view.devices].flatMap((file) => ['device', file, file]),
    ...mounts.own.flatMap((mount) => [...setupArgs(mount), ...lockArgs(mount)]),
    ...mounts.own.flatMap((mount) => (mount.type === 'empty' ? ['seal', '-', mount.path] : [])),
    '--',
    // Inside, the user has its own ids again: programs treat root specially.
    ...(id === undefined
      ? [unshare, '--user', `--map-user=${own.uid}`, `--map-group=${own.gid}`, '--', ...dropPrivileges(tools)]
      : dropToUser(tools, id)),
    ...(filter === undefined ? [] : (loadFilter(tools, filter, request.filterFile) ?? [])),
    ...['/bin/sh', '-c', WAIT, INIT],
  ]
}

function setupArgs(mount: Mount): string[] {
  switch (mount.type) {
    case 'bind':
      return [mount.isWritable ? 'rw' : 'ro', mount.from, mount.to]
    case 'symlink':
      return ['link', mount.target, mount.path]
    case 'empty':
      return ['empty', '-', mount.path]
  }
}

function lockArgs(mount: Mount): string[] {
  return mount.type === 'bind' && !mount.isWritable ? ['lock', '-', mount.to] : []
}
