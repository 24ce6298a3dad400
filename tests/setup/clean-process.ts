import { afterAll, vi } from 'vitest'

// Files of tests share a process (see vitest.config.ts): each leaves it as it found it.
const environment = { ...process.env }
const directory = process.cwd()
afterAll(() => {
  vi.useRealTimers()
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
  if (process.cwd() !== directory) process.chdir(directory)
})
