import { type FrameworkName, isFramework, type TemplateName } from './template-name.ts'

const PYTHON = `      - run: npx trainyard dev train --dataset sample-data --epochs 3
      # The checks of the registry.
      - run: npx @trainyard/validator .
`

/** uv makes the environment that the manifest declares. */
const WITH_UV = `      - run: pip install uv
${PYTHON}`

const STEPS: Readonly<Record<Exclude<TemplateName, FrameworkName>, string>> = {
  typescript: `      - run: npm install
      - run: npm run build
      - run: npm run check
      - run: npm test
      # The checks of the registry.
      - run: npx trainyard-validate .
`,
  plain: WITH_UV,
  python: PYTHON,
}

/** `.github/workflows/ci.yml`: builds, tests and validates the trainer on each push. */
export function ciWorkflow(template: TemplateName): string {
  return `name: CI
on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

jobs:
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    strategy:
      matrix:
        node: [22, 24]
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: \${{ matrix.node }}
${isFramework(template) ? WITH_UV : STEPS[template]}`
}
