/** The process that validates a trainer. `fork-validate.ts` starts it, sends messages over IPC, and kills its process group. */
import { type FromWorker, ToWorker } from './messages.ts'

const stopping = new AbortController()

/** Resolves when the message has been sent. Disconnecting earlier would lose it. */
function send(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve())
    else resolve()
  })
}

async function validate(message: Extract<ToWorker, { type: 'validate' }>): Promise<void> {
  const { dir, phases, databaseUrl, timeoutMs, sandbox } = message
  try {
    const { validateTrainer } = await import('@trainyard/validator')
    const report = await validateTrainer({
      dir,
      isBundle: true,
      phases,
      databaseUrl,
      timeoutMs,
      sandbox,
      profile: 'marketplace',
      signal: stopping.signal,
      onCheck: (check) => void send({ type: 'check', check }),
    })
    await send({ type: 'report', report })
  } catch (error) {
    await send({ type: 'error', message: error instanceof Error ? error.message : String(error) })
  }
  process.disconnect?.()
}

process.on('message', (data) => {
  const message = ToWorker.parse(data)
  if (message.type === 'stop') stopping.abort()
  else void validate(message)
})

// The registry has ended, so nothing else would stop the trainer.
process.on('disconnect', () => {
  stopping.abort()
  setTimeout(() => process.exit(0), 5000).unref()
})
