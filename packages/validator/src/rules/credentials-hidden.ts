import { nameRun } from '../compliance/record.ts'
import { type ComplianceRule, ruleDocsUrl } from '../rule.ts'

export const credentialsHidden: ComplianceRule = {
  code: 'TY602',
  severity: 'error',
  phase: 'compliance',
  docsUrl: ruleDocsUrl('TY602'),
  help: 'Do not print the environment, headers or signed URLs; logs are kept and shown to more people than the token is for.',
  check({ operations, credentials }) {
    const leaks = (text: string) =>
      credentials.some((token) => text.includes(token)) || /[?&](?:X-Amz-)?Signature=[\w%-]{16,}/i.test(text)
    return operations
      .filter((run) => run.output.some(leaks) || run.events.some(({ body }) => leaks(JSON.stringify(body))))
      .map((run) => {
        const where = run.output.some(leaks) ? 'its output' : 'its journal'
        const message = `${nameRun(run)}: a job token or a signed URL stands in ${where} (value not shown)`
        return { message, subject: nameRun(run) }
      })
  },
}
