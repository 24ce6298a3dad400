import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readArguments } from './arguments.ts'

test.each(['gitlab-ci.yml', 'pre-commit-config.yaml', 'validate.yml'])(
  '%s calls the validator with valid options',
  async (name) => {
    const text = await readFile(join(import.meta.dirname, '../../../../examples/ci-validate', name), 'utf8')
    const [, options = ''] = /trainyard-validate (\. .*(?:\n {6}--.*)*)/.exec(text) ?? []
    const argv = options.split(/\s+/).filter((word) => word !== '')
    expect(readArguments(argv)).toMatchObject({ command: 'validate', target: '.' })
    expect(argv.length).toBeGreaterThan(2)
  },
)
