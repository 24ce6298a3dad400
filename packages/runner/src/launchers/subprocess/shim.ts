/** The kernel counts all processes of the user, so this only stops fork bombs. */
const MAX_USER_PROCESSES = 32_768
const MAX_OPEN_FILES = 65_536

/**
 * Waits for the trainer and writes its exit code to a file, because another runner can be the one that reads it. `$1` is the
 * attempt's folder; the other arguments are the disk limit and the trainer's command.
 *
 * - The trainer runs in the foreground: shells make background commands ignore SIGINT and SIGQUIT.
 * - The traps keep the shim alive when its group gets a signal. Unlike ignored signals, trapped ones are not inherited.
 * - The inner shell replaces itself with the trainer, so its pid is the one that gets SIGTERM.
 * - The inner shell joins the attempt's control group, if there is one, and sets limits: no core dumps, no file larger than
 *   the manifest's disk limit, and limits on processes and open files. Only the group limits memory: limits of the address
 *   space or of data would end V8 and WebAssembly at once, because they reserve far more than they use.
 * - The exit code appears by rename, so it is complete. Then everything that the trainer left behind is killed.
 */
export const SHIM = `
dir=$1; shift
mkdir "$dir/started" 2>/dev/null || exit 0
printf '%s\\n' $$ > "$dir/shim.pid.new" && mv "$dir/shim.pid.new" "$dir/shim.pid"
trap : TERM INT HUP QUIT
/bin/sh -c 'printf "%s\\n" $$ > "$0/trainer.pid.new" && mv "$0/trainer.pid.new" "$0/trainer.pid"
blocks=$1; shift
for group in cgroup cgroup-pids; do
[ ! -e "$0/$group/cgroup.procs" ] || echo $$ > "$0/$group/cgroup.procs" || :
done
ulimit -c 0
[ "$blocks" = 0 ] || ulimit -f "$blocks"
ulimit -u ${MAX_USER_PROCESSES} 2>/dev/null || ulimit -p ${MAX_USER_PROCESSES} 2>/dev/null || :
ulimit -n ${MAX_OPEN_FILES} 2>/dev/null || :
exec "$@"' "$dir" "$@"
code=$?
printf '%s\\n' "$code" > "$dir/exit-code.new" && mv "$dir/exit-code.new" "$dir/exit-code"
kill -KILL 0
`
