import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const credentialsHidden: ComplianceRule = {
  code: 'TY602',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY602'),
  help: 'Do not print the environment, headers or signed URLs: more people can read the logs than may use the token.',
  check({ operations, credentials }) {
    const leaks = (text: string) =>
      credentials.some((token) => text.includes(token)) || /[?&](?:X-Amz-)?Signature=[\w%-]{16,}/i.test(text)
    return operations
      .filter((run) => run.output.some(leaks) || run.events.some(({ body }) => leaks(JSON.stringify(body))))
      .map((run) => {
        const where = run.output.some(leaks) ? 'the output' : 'the journal'
        const message = `${nameRun(run)}: ${where} contains a job token or a signed URL (value not shown)`
        return { message, subject: nameRun(run) }
      })
  },
}
