import { VERSION } from '../version.ts'
import { ciWorkflow } from './ci-workflow.ts'
import { type LicenceName, licenceText } from './licences.ts'
import { type FrameworkName, isFramework, type TemplateName } from './template-name.ts'
import templates from './templates.json' with { type: 'json' }

export interface NewTrainer {
  template: TemplateName
  /** `namespace/name` */
  name: string
  author: string
  /** An SPDX identifier. */
  licence: LicenceName
}

/** The files of a new trainer by path: those of an example, with the new name. */
export function createFiles({ template, name, author, licence }: NewTrainer): Map<string, string> {
  const [, shortName = name] = name.split('/')
  const files = new Map<string, string>(Object.entries(templates[template]))
  edit(files, 'trainer.json', (manifest) => {
    const { repository: _, keywords: __, ...kept } = manifest
    return { ...kept, name, version: '0.1.0', displayName: titleOf(shortName), license: licence, authors: [author] }
  })
  edit(files, 'package.json', (pack) => {
    const { description: _, ...kept } = pack
    const devDependencies = { '@trainyard/validator': `^${VERSION}`, ...(pack.devDependencies as object) }
    return { ...kept, name: shortName, version: '0.1.0', license: licence, devDependencies }
  })
  files.set('.trainyardignore', `${files.get('.trainyardignore') ?? ''}${NOT_PUBLISHED}`)
  files.set('.gitignore', 'node_modules/\ndist/\nruns/\n__pycache__/\n')
  files.set('LICENSE', licenceText(licence, author))
  files.set('.editorconfig', EDITOR_CONFIG)
  files.set('.github/workflows/ci.yml', ciWorkflow(template))
  files.set('README.md', readme(template, titleOf(shortName)))
  if (template === 'typescript') files.set('tsconfig.json', TSCONFIG)
  return files
}

const NOT_PUBLISHED = 'sample-data\n.github\n.editorconfig\n.gitignore\ntsconfig.json\npackage-lock.json\n'

const EDITOR_CONFIG = `root = true

[*]
charset = utf-8
end_of_line = lf
indent_style = space
indent_size = 2
insert_final_newline = true
trim_trailing_whitespace = true

[*.py]
indent_size = 4
`

/** The commands to run next. */
export function nextSteps(template: TemplateName): readonly string[] {
  const train = 'npx trainyard dev train --dataset sample-data --epochs 3'
  return template === 'typescript'
    ? ['npm install', 'npm run build', train, 'npx trainyard-validate .']
    : [train, 'npx @trainyard/validator .']
}

function edit(
  files: Map<string, string>,
  path: string,
  change: (value: Record<string, unknown>) => Record<string, unknown>,
): void {
  const text = files.get(path)
  if (text !== undefined) files.set(path, `${JSON.stringify(change(JSON.parse(text)), null, 2)}\n`)
}

/** `flower-classifier` → `Flower classifier` */
function titleOf(name: string): string {
  const words = name.replace(/[._-]+/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const TSCONFIG = `${JSON.stringify(
  {
    compilerOptions: {
      target: 'es2024',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      skipLibCheck: true,
      types: ['node'],
    },
    include: ['src', 'build.ts'],
  },
  null,
  2,
)}\n`

const FRAMEWORKS: Readonly<Record<FrameworkName, string>> = {
  timm: 'A classifier of timm',
  huggingface: 'A vision transformer of Hugging Face',
  lightning: 'A classifier with Lightning',
  ultralytics: 'YOLO of Ultralytics, for detection. Ultralytics is licensed under AGPL-3.0, and so is this trainer',
}

function readme(template: TemplateName, title: string): string {
  return isFramework(template) ? frameworkReadme(title, FRAMEWORKS[template]) : READMES[template](title)
}

const frameworkReadme = (title: string, framework: string) => `# ${title}

${framework}. Replace it with your own training, and describe here what the trainer trains, on which data, with which settings, and what it
produces: the marketplace shows this page.

\`\`\`sh
npm install --global trainyard                              # the trainyard command
trainyard dev train --dataset sample-data --epochs 3        # makes the Python environment; without a platform: see runs/1
npx @trainyard/validator .                                  # the checks of the registry
trainyard publish --url http://127.0.0.1:7600
\`\`\`

The platform installs what requirements.txt names. The marketplace requires every package in it, with hashes:
\`uv pip compile --universal --generate-hashes requirements.txt -o requirements.txt\`.

| file                 | contains                                                              |
| -------------------- | --------------------------------------------------------------------- |
| \`train.py\`           | the program: keep the lines with \`job\`                              |
| \`trainer.json\`       | the manifest: \`runtime\` names the packages                            |
| \`requirements.txt\`   | the packages                                                          |
| \`sample-data/\`       | sample images, which are not published                                |
`

const READMES: Readonly<Record<Exclude<TemplateName, FrameworkName>, (title: string) => string>> = {
  typescript: (title) => `# ${title}

Softmax regression on small PNG images. Replace it with your own training, and describe here what the trainer trains, on which
data, with which settings, and what it produces: the marketplace shows this page.

\`\`\`sh
npm install
npm run build                                                   # writes dist/main.js
npx trainyard dev train --dataset sample-data --epochs 3        # without a platform: see runs/1
npx trainyard dev predict --images sample-data/test --checkpoint runs/1/best.json
npm run check                                                   # types
npm test                                                        # on the real runner, in the test's process
npx trainyard-validate .                                        # the checks of the registry
npx trainyard publish --url http://127.0.0.1:7600
\`\`\`

| file             | contains                                                      |
| ---------------- | ------------------------------------------------------------- |
| \`src/main.ts\`    | the trainer: start in \`train\`                               |
| \`trainer.json\`   | the manifest: name, entry points, models, settings            |
| \`build.ts\`       | bundles each program of trainer.json into one file of dist/   |
| \`sample-data/\`   | sample images, which are not published                        |
`,
  plain: (title) => `# ${title}

Softmax regression on small PNG images in plain Python, with trainyard-sdk. Replace it with the training of your framework, and describe here
what the trainer trains, on which data, with which settings, and what it produces: the marketplace shows this page.

\`\`\`sh
npm install --global trainyard                              # the trainyard command
trainyard dev train --dataset sample-data --epochs 3        # makes the Python environment; without a platform: see runs/1
trainyard dev predict --images sample-data/test --checkpoint runs/1/best.json
npx @trainyard/validator .                                  # the checks of the registry
trainyard publish --url http://127.0.0.1:7600
\`\`\`

More packages: write them to requirements.in beside \`trainyard-sdk\`, then
\`uv pip compile --universal --generate-hashes requirements.in -o requirements.txt\`. The platform installs what requirements.txt names.

| file                 | contains                                                              |
| -------------------- | --------------------------------------------------------------------- |
| \`train.py\`           | the program: start in \`train()\`, and keep the lines with \`job\`        |
| \`trainer.json\`       | the manifest: \`runtime\` names the packages                            |
| \`requirements.txt\`   | the packages, with their hashes                                       |
| \`sample-data/\`       | sample images, which are not published                                |
`,
  python: (title) => `# ${title}

Softmax regression on small PNG images in plain Python. Replace it with your own training, and describe here what the trainer
trains, on which data, with which settings, and what it produces: the marketplace shows this page.

\`\`\`sh
npm install --global trainyard                              # the trainyard command; Python needs no package
trainyard dev train --dataset sample-data --epochs 3        # without a platform: see runs/1
trainyard dev predict --images sample-data/test --checkpoint runs/1/best.json
npx @trainyard/validator .                                  # the checks of the registry
trainyard publish --url http://127.0.0.1:7600
\`\`\`

| file             | contains                                                              |
| ---------------- | --------------------------------------------------------------------- |
| \`train.py\`       | the program: start in \`train()\`, and keep the \`say(…)\` lines        |
| \`trainer.json\`   | the manifest: \`bridge\` puts \`trainyard exec\` in front of Python       |
| \`sample-data/\`   | sample images, which are not published                                |
`,
}
