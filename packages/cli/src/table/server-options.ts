import { flag, option } from '../command-line/values.ts'

/** Option of every command that prints text otherwise. */
export const jsonOption = { json: flag('Print one JSON document instead of text') }

const token = option({
  placeholder: 'TOKEN',
  description: 'Token for the server. Other users of this machine can see command lines: prefer the variables',
  fallback:
    'TRAINYARD_TOKEN, the file that TRAINYARD_TOKEN_FILE names, the token saved by "trainyard login", or for your own ' +
    'server on this machine the one in its data folder',
})

/** Options of every command that sends requests to a server. */
export const serverOptions = {
  url: option({
    placeholder: 'URL',
    description: 'Address of the server',
    fallback: 'TRAINYARD_RUNNER, TRAINYARD_REGISTRY, or the address saved by "trainyard login"',
  }),
  token,
  ...jsonOption,
}

/** The same for a command that sends requests to a registry only. */
export const registryOptions = {
  ...serverOptions,
  url: option({
    placeholder: 'URL',
    description: 'Address of the registry',
    alias: 'registry',
    fallback: 'TRAINYARD_REGISTRY, or the address saved by "trainyard login"',
  }),
}
