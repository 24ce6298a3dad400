import { readFileSync } from 'node:fs'
import { BasicConfig } from '@trainyard/contract'
import { expect, it } from 'vitest'
import { z } from 'zod'

const Manifest = z.object({
  config: z.object({
    schema: z.object({ properties: z.record(z.string(), z.object({ 'x-advanced': z.boolean().optional() })) }),
  }),
})

it.for(['timm', 'huggingface', 'ultralytics'])(
  '%s has no advanced setting with the name of a basic one, whose default would win',
  (trainer) => {
    const text = readFileSync(new URL(`../../trainers/${trainer}/trainer.json`, import.meta.url), 'utf8')
    const settings = Object.entries(Manifest.parse(JSON.parse(text)).config.schema.properties)
    const advanced = settings.filter(([, setting]) => setting['x-advanced'] === true).map(([name]) => name)
    expect(advanced).not.toEqual([])
    expect(advanced.filter((name) => name in BasicConfig.shape)).toEqual([])
  },
)
