import { createLeakFinder } from '../compliance/find-leaks.ts'
import { nameRun, type OperationRecord } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

/** Larger files are weights. */
const MAX_TEXT_BYTES = 1024 * 1024

export const credentialsHidden: ComplianceRule = {
  code: 'TY602',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY602'),
  help: 'Do not print the environment, headers or signed URLs: more people can read the logs than may use the token.',
  check({ operations, credentials }) {
    const leaks = createLeakFinder(credentials)
    const places: Readonly<Record<string, (run: OperationRecord) => boolean>> = {
      'the output': (run) => leaks(run.output),
      'the journal': (run) => leaks(run.events.map(({ body }) => JSON.stringify(body))),
      'the name of an uploaded file': (run) => leaks(run.uploads.map(({ name }) => name)),
      'an uploaded file': ({ uploads }) =>
        uploads.some(({ head }) => leaks([Buffer.from(head.subarray(0, MAX_TEXT_BYTES)).toString('latin1')])),
    }
    return operations.flatMap((run) => {
      const where = Object.keys(places).find((place) => places[place]?.(run))
      if (where === undefined) return []
      const message = `${nameRun(run)}: ${where} contains a job token or a signed URL (value not shown)`
      return [{ message, subject: nameRun(run) }]
    })
  },
}
