import { serveWeb } from './serve-web.ts'

try {
  const { close } = await serveWeb(process.env)
  // Live streams would keep the server open until their jobs end; browsers reconnect to the next one.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close())
} catch (error) {
  console.error(error instanceof Error && error.name === 'ConfigError' ? error.message : error)
  process.exitCode = 1
}
