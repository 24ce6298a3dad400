import { z } from 'zod'

const DockerConfig = z.looseObject({
  auths: z.record(z.string(), z.looseObject({ auth: z.string().optional() })).optional(),
})

/** The file in which `docker login` stores credentials: `$DOCKER_CONFIG/config.json`, or in the user's folder. */
export function dockerConfigFile(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return `${env.DOCKER_CONFIG || `${env.HOME || home}/.docker`}/config.json`
}

/** What `docker login` stored for a registry, as the value of `Authorization`. Credentials in other programs are not found. */
export function findDockerLogin(configText: string, host: string): string | undefined {
  let json: unknown
  try {
    json = JSON.parse(configText)
  } catch {
    return undefined
  }
  const auths = DockerConfig.safeParse(json).data?.auths ?? {}
  const keys = host === 'registry-1.docker.io' ? ['https://index.docker.io/v1/'] : [host, `https://${host}`]
  const auth = keys.map((key) => auths[key]?.auth).find((found) => found !== undefined && found !== '')
  return auth === undefined ? undefined : `Basic ${auth}`
}
