import type { Launcher } from './launchers/launcher.ts'

interface App {
  fetch(request: Request): Response | Promise<Response>
}

/** The network of trainers that have one of their own. Serves the callback routes there unless the caller serves an app. */
export class TrainerNetwork {
  readonly #launcher: Launcher
  readonly #trainersApp: App
  #isServed = false
  #own: { close(): Promise<void> } | undefined

  constructor(launcher: Launcher, trainersApp: App) {
    this.#launcher = launcher
    this.#trainersApp = trainersApp
  }

  /** Undefined when trainers share the network of this machine. */
  get openGateway(): Launcher['openGateway'] | undefined {
    const { openGateway } = this.#launcher
    if (openGateway === undefined) return undefined
    return (app, limits) => {
      this.#isServed = true
      return openGateway(app, limits)
    }
  }

  async start(): Promise<void> {
    if (!this.#isServed) this.#own = await this.openGateway?.(this.#trainersApp)
  }

  async stop(): Promise<void> {
    await this.#own?.close()
  }
}
