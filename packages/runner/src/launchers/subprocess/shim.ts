const MAX_OPEN_FILES = 65_536

/**
 * Waits for the trainer and writes its exit code to a file, because another runner can be the one that reads it. `$1` is the
 * attempt's folder; the other arguments are the limits (the largest file in blocks, processes, data in kB; 0: none) and the
 * trainer's command.
 *
 * - The trainer runs in the foreground: shells make background commands ignore SIGINT and SIGQUIT.
 * - The traps keep the shim alive when its group gets a signal. Unlike ignored signals, trapped ones are not inherited.
 * - The inner shell replaces itself with the trainer, so its pid is the one that gets SIGTERM.
 * - The inner shell joins the attempt's control group, if there is one, and sets limits: no core dumps, no file larger than
 *   the disk limit, and limits on processes and open files. Where no group limits memory, it limits the data of each process.
 * - Descriptor 3 is the file `entered`. What runs last before the trainer writes to it, so that an exit before that is known to
 *   be the platform's fault.
 * - The exit code appears by rename, so it is complete. Then everything that the trainer left behind is killed.
 */
export const SHIM = `
dir=$1; shift
mkdir "$dir/started" 2>/dev/null || exit 0
printf '%s\\n' $$ > "$dir/shim.pid.new" && mv "$dir/shim.pid.new" "$dir/shim.pid"
trap : TERM INT HUP QUIT
/bin/sh -c 'printf "%s\\n" $$ > "$0/trainer.pid.new" && mv "$0/trainer.pid.new" "$0/trainer.pid"
blocks=$1 processes=$2 data=$3; shift 3
for group in cgroup cgroup-pids; do
[ ! -e "$0/$group/cgroup.procs" ] || echo $$ > "$0/$group/cgroup.procs" || :
done
ulimit -c 0
[ "$blocks" = 0 ] || ulimit -f "$blocks"
[ "$data" = 0 ] || ulimit -d "$data" 2>/dev/null || :
ulimit -u "$processes" 2>/dev/null || ulimit -p "$processes" 2>/dev/null || :
ulimit -n ${MAX_OPEN_FILES} 2>/dev/null || :
exec "$@" 3>"$0/entered"' "$dir" "$@"
code=$?
printf '%s\\n' "$code" > "$dir/exit-code.new" && mv "$dir/exit-code.new" "$dir/exit-code"
kill -KILL 0
`

/** Becomes the trainer. Reports on descriptor 3 that everything of the platform worked. */
export const BECOME_TRAINER = `printf x >&3 || exit 126; exec 3>&-
exec "$@"`
