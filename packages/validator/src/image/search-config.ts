import type { Finding } from '@trainyard/contract'
import { findSecrets, isNameOfSecret } from '../secrets.ts'
import type { ImageConfig } from './image-config.ts'
import { createImageFinding } from './image-findings.ts'

/** Text of an image's config, with what it is. */
interface ConfigText {
  where: string
  text: string
}

const MAX_TEXTS = 5000

/** Secrets in the environment, the labels, the commands and the history of an image: everyone who can pull it can read them. */
export async function searchConfig({ config, history }: ImageConfig): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { where, text } of textsOf({ config, history }).slice(0, MAX_TEXTS)) {
    const search = await findSecrets('config.txt', Buffer.from(text))
    const found = search.state === 'searched' ? search.secrets : []
    for (const { message, subject } of found)
      findings.push(createImageFinding('TY390', `${where}: ${message}`, { subject: `${where} ${subject}` }))
    if (found.length > 0) continue
    for (const name of namesOfSecrets(where, text)) {
      const message = `${where}: "${name}" is set, and anyone who can pull the image can read it (value not shown)`
      findings.push(createImageFinding('TY390', message, { subject: `${where} ${name}` }))
    }
  }
  return findings
}

function textsOf({ config, history }: ImageConfig): ConfigText[] {
  const labels = Object.entries(config?.Labels ?? {})
  return [
    ...(config?.Env ?? []).map((text) => ({ where: 'environment of the image', text })),
    ...labels.map(([name, value]) => ({ where: 'labels of the image', text: `${name}=${value}` })),
    ...[...(config?.Entrypoint ?? []), ...(config?.Cmd ?? [])].map((text) => ({ where: 'command of the image', text })),
    ...(history ?? []).flatMap(({ created_by, comment }, index) =>
      [created_by, comment].flatMap((text) =>
        text ? [{ where: `history of the image, step ${index + 1}`, text }] : [],
      ),
    ),
  ]
}

/**
 * Variables with the name of a secret and a value. Builders write the arguments of a build in the history as
 * `|1 HF_TOKEN=… /bin/sh -c …`.
 */
function namesOfSecrets(where: string, text: string): string[] {
  const assignments = where.startsWith('history')
    ? [...(/^\|\d+ (.*?) \/bin\//s.exec(text)?.[1] ?? '').matchAll(/(\w+)=(\S+)/g)]
    : where.startsWith('environment')
      ? [...text.matchAll(/^(\w+)=(.+)$/gs)]
      : []
  return assignments.flatMap(([, name = '', value = '']) => (value !== '' && isNameOfSecret(name) ? [name] : []))
}
