import { manifestPlace } from '../manifest/read-manifest.ts'
import { type FolderRule, type RuleFinding, ruleDocsUrl } from '../rule.ts'

export const modelsAndTasks: FolderRule = {
  code: 'TY107',
  severity: 'error',
  phase: 'static',
  docsUrl: ruleDocsUrl('TY107'),
  help: 'List every task of the models in "taskTypes", provide a model for each task, and give models different names.',
  check({ manifest }) {
    if (manifest.state !== 'read' || !manifest.manifest) return []
    const { models, taskTypes, metrics } = manifest.manifest
    const findings: RuleFinding[] = []
    const report = (path: (string | number)[], message: string, severity?: RuleFinding['severity']) =>
      findings.push({ message, severity, ...manifestPlace(manifest, path) })

    const names = new Set<string>()
    models.forEach((model, index) => {
      if (names.has(model.name)) report(['models', index, 'name'], `the model name "${model.name}" is used twice`)
      names.add(model.name)
      model.taskTypes.forEach((task, taskIndex) => {
        if (taskTypes.includes(task)) return
        const message = `model "${model.name}" supports "${task}", which is not in "taskTypes" (${taskTypes.join(', ')})`
        report(['models', index, 'taskTypes', taskIndex], message)
      })
    })
    taskTypes.forEach((task, index) => {
      if (models.some((model) => model.taskTypes.includes(task))) return
      report(['taskTypes', index], `no model supports the task "${task}"`)
    })
    for (const task of Object.keys(metrics.primary)) {
      if (taskTypes.some((known) => known === task)) continue
      report(
        ['metrics', 'primary', task],
        `a primary metric is given for "${task}", which is not in "taskTypes"`,
        'warning',
      )
    }
    return findings
  },
}
