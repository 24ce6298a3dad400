import { run } from './run.ts'

/** Path of a runtime's program, such as that of `node@22` or `bun`, from the npm registry; or why it is not available. */
export async function findRuntime(name: string): Promise<{ path: string } | { why: string }> {
  const program = name.split('@')[0] ?? name
  const { code, output } = await run('npx', ['-y', '-p', name, '-c', `command -v ${program}`], { capture: true })
  const path = output.trim().split('\n').at(-1) ?? ''
  if (code !== 0 || !path.startsWith('/')) return { why: output.trim().split('\n').at(-1) ?? 'npx failed' }
  const started = await run(path, ['--version'], { capture: true })
  return started.code === 0 ? { path } : { why: `${path} --version failed: ${started.output.trim().slice(0, 200)}` }
}
