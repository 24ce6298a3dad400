import { RULES } from '@trainyard/validator'
import { codeOf, flaws, variants } from '../../packages/validator/src/testing/flaws.ts'

const FAMILIES: Readonly<Record<string, string>> = {
  1: 'manifest',
  2: 'packaging',
  3: 'security',
  4: 'life cycle',
  5: 'resilience',
  6: 'outputs',
}

const link = (code: string): string => `[${code}](rules/${code}.md)`
const cell = (text: string): string => text.replaceAll('|', '\\|')

function familyRow([digit, family]: [string, string]): string {
  const codes = RULES.map(({ code }) => code).filter((code) => code.startsWith(`TY${digit}`))
  return `| ${family} | ${codes.length} | ${codes.map(link).join(', ')} |`
}

function badRow([name, { flaw }]: [string, { flaw: string }]): string {
  return `| ${cell(flaw)} | ${link(codeOf(name))} | \`${name.replace(' ', '-')}.json\` |`
}

/** The page of the trainers by which the rules are tested. `measured` is its part that is written by hand. */
export function badTrainersPage(measured: string): string {
  const bad = Object.entries(flaws)
  return `# Bad trainers, and honest ones

The rules of the compliance run are tested with trainers that are wrong on purpose. Each is the good trainer of
[\`packages/validator/fixtures/trainers\`](../packages/validator/fixtures/trainers) with one change. Each run is judged twice, by the
validator and by a registry: both must find exactly the rule of the table, with the same fingerprints, and none in an honest trainer.

## Rules by family

| family | rules | codes |
|---|---|---|
${Object.entries(FAMILIES).map(familyRow).join('\n')}

Together ${RULES.length}. Further rules belong to the registry: [all of them](rules/README.md).

## Bad trainers

There are ${bad.length}. The static rules and those for secrets have folders of their own.

| the trainer | is found by | file in \`bad/\` |
|---|---|---|
${bad.map(badRow).join('\n')}

## Honest trainers

| the trainer | file in \`honest/\` |
|---|---|
${Object.entries(variants)
  .map(([name, { what }]) => `| ${cell(what)} | \`${name}.json\` |`)
  .join('\n')}

${measured}`
}

/** What is written by hand, from its heading on. */
export function measuredPart(page: string): string {
  const at = page.indexOf('## Times of honest trainers')
  return at === -1 ? '' : page.slice(at)
}
