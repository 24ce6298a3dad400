import { JobStoppedError } from '@trainyard/contract/trainer-errors'

/** Aborts `stop` on SIGTERM and SIGINT. A second signal has its default effect. Returns a function that removes the handlers. */
export function stopOnSignals(stop: AbortController): () => void {
  const onSignal = (name: NodeJS.Signals) => {
    unhook()
    if (name === 'SIGTERM' || name === 'SIGINT') stop.abort(new JobStoppedError(name))
  }
  const unhook = () => {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return unhook
}
