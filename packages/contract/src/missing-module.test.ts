import { expect, test } from 'vitest'
import { explainMissingModule, findMissingModule } from './missing-module.ts'

test.each([
  ["ModuleNotFoundError: No module named 'sklearn.metrics'", { module: 'sklearn.metrics', package: 'scikit-learn' }],
  ["RuntimeError: it failed because: No module named 'my_module'", { module: 'my_module', package: 'my-module' }],
  [
    'a line\n/opt/bin/python3.11: No module named torch',
    { module: 'torch', package: 'torch', interpreter: '/opt/bin/python3.11' },
  ],
  ["ModuleNotFoundError: No module named 'json.nope'; 'json' is not a package", undefined],
  ['There is no module named so', undefined],
])('the missing module of %j', (output, missing) => {
  expect(findMissingModule(output)).toEqual(missing)
})

test('the interpreter that the message names has precedence', () => {
  const missing = { module: 'torch', package: 'torch' }
  expect(explainMissingModule(missing, 'python3', { in: 'image' })).toContain('for python3, which')
  const named = { ...missing, interpreter: '/opt/bin/python3' }
  expect(explainMissingModule(named, 'python3', { in: 'image' })).toContain('for /opt/bin/python3, which')
})
