/** The process that validates a trainer. `fork-validate.ts` starts it, sends messages over IPC, and kills its process group. */
import type { CheckResult } from '@trainyard/contract'
import { type FromWorker, ToWorker } from './messages.ts'

const stopping = new AbortController()

/** Resolves when the message has been sent. Disconnecting earlier would lose it. */
function send(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve())
    else resolve()
  })
}

/** Shows each step of a compliance run when it begins. */
function countSteps(onCheck: (check: CheckResult) => void): (what: string) => void {
  let done = 0
  return (what) =>
    onCheck({
      name: 'compliance',
      status: 'running',
      findings: [],
      progress: { done: done++, unit: 'steps', what: what.slice(0, 500) },
    })
}

async function validate(message: Extract<ToWorker, { type: 'validate' }>): Promise<void> {
  const { dir, image, phases, databaseUrl, timeoutMs, sandbox } = message
  try {
    const { validateLoadedImage, validateTrainer } = await import('@trainyard/validator')
    const onCheck = (check: CheckResult) => void send({ type: 'check', check })
    const known = { databaseUrl, timeoutMs, profile: 'marketplace', signal: stopping.signal, onCheck } as const
    const report =
      image === undefined
        ? await validateTrainer({
            ...known,
            dir,
            isBundle: true,
            // The registry knows the digest of what was pushed.
            withDigest: false,
            phases,
            sandbox,
            onProgress: countSteps(onCheck),
          })
        : await validateLoadedImage({
            ...known,
            image: image.loaded,
            env: image.env,
            instanceId: image.instanceId,
            onProgress: countSteps(onCheck),
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
