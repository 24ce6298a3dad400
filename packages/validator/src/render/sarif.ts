import { pathToFileURL } from 'node:url'
import type { Finding, ValidationReport } from '@trainyard/contract'
import { exitCodeOf } from '../verdict.ts'
import { MANIFEST } from './describe-report.ts'

const LEVEL = { error: 'error', warning: 'warning', info: 'note' } as const satisfies Record<
  Finding['severity'],
  string
>

/** SARIF 2.1.0, as GitHub's code scanning and most viewers read it. */
export function renderSarif(report: ValidationReport): string {
  const findings = report.checks.flatMap((check) => check.findings)
  const rules = new Map(findings.map((finding) => [finding.code, finding]))
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'trainyard-validate',
            informationUri: 'https://github.com/trainyard/trainyard/tree/main/packages/validator',
            rules: [...rules.values()].map(({ code, help, docsUrl, severity }) => ({
              id: code,
              shortDescription: { text: help },
              helpUri: docsUrl,
              defaultConfiguration: { level: LEVEL[severity] },
            })),
          },
        },
        invocations: [
          {
            executionSuccessful: report.checks.every(({ status }) => status !== 'errored'),
            exitCode: exitCodeOf(report),
            toolExecutionNotifications: report.checks
              .filter(({ status }) => status === 'errored' || status === 'skipped')
              .map(({ name, status, reason }) => ({
                level: status === 'errored' ? 'error' : 'note',
                message: {
                  text: `${name} was ${status === 'errored' ? 'not completed' : 'not checked'}: ${reason ?? ''}`,
                },
              })),
          },
        ],
        automationDetails: { id: `trainyard-validate/${report.profile}/` },
        results: findings.map((finding) => toResult(finding, [...rules.keys()])),
        properties: { verdict: report.verdict, seed: report.seed, profile: report.profile },
      },
    ],
  }
  return `${JSON.stringify(log, undefined, 2)}\n`
}

function toResult(finding: Finding, codes: readonly string[]) {
  const { code, severity, message, help, line, column, fingerprint, suppressed } = finding
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: LEVEL[severity],
    message: { text: `${message}\n${help}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: toUri(finding.file ?? MANIFEST), uriBaseId: '%SRCROOT%' },
          region: { startLine: line ?? 1, startColumn: column },
        },
      },
    ],
    partialFingerprints: { 'trainyard/v1': fingerprint },
    suppressions: suppressed && [{ kind: 'external', justification: suppressed.reason }],
  }
}

/** A relative path as a reference of a URI. */
function toUri(path: string): string {
  return pathToFileURL(`/${path}`).pathname.slice(1)
}
