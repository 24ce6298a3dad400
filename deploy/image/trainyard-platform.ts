/** The program of the image: `trainyard-platform ROLE`. The servers are configured by environment variables. */
import { HELP, isRole, runRole } from './roles.ts'

const [name = 'help', ...args] = process.argv.slice(2)
try {
  if (isRole(name)) process.exitCode = await runRole(name, args, process.env)
  else if (['help', '--help', '-h'].includes(name)) process.stdout.write(HELP)
  else {
    process.stderr.write(`trainyard-platform: the role is "${name}"; expected one of those below\n\n${HELP}`)
    process.exitCode = 2
  }
} catch (error) {
  const isExpected = error instanceof Error && ['ConfigError', 'TrainyardError'].includes(error.name)
  process.stderr.write(
    `trainyard-platform: ${isExpected ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  )
  process.exit(1)
}
