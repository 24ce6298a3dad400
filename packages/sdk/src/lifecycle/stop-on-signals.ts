import { JobStoppedError } from '@trainyard/contract/trainer-errors'

/** SIGTERM and SIGINT abort `stop`; a second one does what it does by default. Returns how to undo it. */
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
