import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runThere } from './support/python-tests.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const python = process.env.PYTHON_WITH_FRAMEWORKS
if (python === undefined)
  console.warn('skipped: PYTHON_WITH_FRAMEWORKS is not set: eval "$(.ci/python-frameworks env)"')

describe.skipIf(python === undefined)('a trainer in Python that is shipped', () => {
  it.for(['timm', 'huggingface', 'ultralytics'])(
    '%s trains, continues, predicts, exports and ends on a cancel',
    { timeout: 900_000 },
    async (trainer) => {
      const args = ['-W', 'ignore', '-m', 'unittest', 'discover', '-s', HERE, '-p', `test_${trainer}_trainer.py`]
      const { code, output } = await runThere(python ?? '', args)
      expect(code, output).toBe(0)
      expect(output).not.toContain('skipped')
    },
  )
})
