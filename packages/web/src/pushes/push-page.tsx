import { type Check, type CheckResult, SUPPRESSIBLE_CHECKS } from '@trainyard/contract'
import { FormProblem, TextArea } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { TrustStatus, VersionStateStatus } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { Checks } from '../trainers/checks.tsx'
import { Skipped } from '../trainers/skipped.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { DecideForm } from './decide-form.tsx'

export interface PushPageProps {
  assetUrl: (name: string) => string
  check: Check
  now: Date
  /** Why a form was refused. */
  problem?: string | undefined
}

/** One push: its findings first, and what its owner can do about them. */
export function PushPage({ assetUrl, check, now, problem }: PushPageProps) {
  return (
    <Layout assetUrl={assetUrl} title={`${check.trainer}:${check.version}`} scripts={['push.js']}>
      <p>
        <a href="/pushes">{t('Pushes')}</a>
      </p>
      <h1>
        {check.trainer}:{check.version}
      </h1>
      <p class="muted">
        {check.kind ?? t('version')}{' '}
        <Sentence
          text="{digest}, pushed {when}"
          digest={<code>{check.digest.slice(0, 19)}</code>}
          when={<RelativeTime at={check.createdAt} now={now} />}
        />
      </p>
      <FormProblem text={problem} />
      <PushChecks check={check} />
      {check.mayChange === true && <OwnerForms check={check} />}
      {check.appeal !== undefined && <AppealState check={check} />}
      {check.mayDecide === true && check.appeal !== undefined && <DecideForm appeal={check.appeal} />}
    </Layout>
  )
}

/** The part that changes while the checks run; `push.js` replaces it. */
export function PushChecks({ check }: { check: Check }) {
  const isRunning = check.finishedAt === undefined
  return (
    <section id="push-checks" data-live={isRunning ? `/pushes/${encodeURIComponent(check.id)}/live` : undefined}>
      <p role="status">
        <VersionStateStatus state={check.state} />
        {check.trust !== undefined && <TrustStatus tier={check.trust.tier} />} {summary(check)}
      </p>
      {check.trust !== undefined && <Skipped trust={check.trust} />}
      <h2 class="visually-hidden">{t('Checks')}</h2>
      <Checks checks={byUrgency(check.checks)} />
    </section>
  )
}

/** What needs the owner comes first. */
function byUrgency(checks: readonly CheckResult[]): CheckResult[] {
  const urgency = ({ status }: CheckResult) => ['failed', 'errored', 'running'].indexOf(status)
  return checks.toSorted((a, b) => rank(urgency(a)) - rank(urgency(b)))
}

const rank = (index: number) => (index === -1 ? 3 : index)

function summary({ checks, finishedAt }: Check): string {
  const findings = checks.flatMap((check) => check.findings).filter(({ suppressed }) => suppressed === undefined)
  const errors = plural(
    findings.filter(({ severity }) => severity === 'error').length,
    '{count} error',
    '{count} errors',
  )
  const ended = checks.filter(({ status }) => status !== 'waiting' && status !== 'running').length
  return finishedAt === undefined
    ? t('{done} of {total} checks done, {errors}', { done: ended, total: checks.length, errors })
    : errors
}

/** Retry, suppress with a reason, ask for a review. */
function OwnerForms({ check }: { check: Check }) {
  const action = `/pushes/${encodeURIComponent(check.id)}`
  const canRetry = check.state === 'rejected' || check.checks.some(({ retryAt }) => retryAt !== undefined)
  const suppressible = check.checks
    .filter(({ name }) => SUPPRESSIBLE_CHECKS.includes(name))
    .flatMap(({ findings }) => findings.filter(({ suppressed }) => suppressed === undefined))
  return (
    <>
      {canRetry && (
        <form method="post" action={`${action}/retry`}>
          <button type="submit">{t('Check again')}</button>
        </form>
      )}
      {suppressible.length > 0 && (
        <section>
          <h2>{t('Suppress a finding')}</h2>
          <p class="muted">{t('For a finding that is wrong. Everybody can read the reason.')}</p>
          <form class="stacked" method="post" action={`${action}/suppress`}>
            <div class="field">
              <label for="fingerprint">{t('Finding')}</label>
              <select id="fingerprint" name="fingerprint">
                {suppressible.map(({ fingerprint, code, file, line, message }) => (
                  <option value={fingerprint}>
                    {[code, [file, line].filter((part) => part !== undefined).join(':'), message.slice(0, 80)].join(
                      ' ',
                    )}
                  </option>
                ))}
              </select>
            </div>
            <TextArea name="reason" label={t('Reason')} minlength={10} maxlength={2000} />
            <button type="submit">{t('Suppress')}</button>
          </form>
        </section>
      )}
      {check.state === 'rejected' && check.appeal?.state !== 'open' && (
        <section>
          <h2>{t('Ask for a review')}</h2>
          <p class="muted">{t('A moderator decides whether this version is published despite its findings.')}</p>
          <form class="stacked" method="post" action={`${action}/appeal`}>
            <TextArea name="text" label={t('Why it should be published')} minlength={10} maxlength={2000} />
            <button type="submit">{t('Ask for a review')}</button>
          </form>
        </section>
      )}
    </>
  )
}

const APPEAL_WORDS = {
  open: 'The review is waiting for a moderator.',
  approved: 'The review was approved.',
  refused: 'The review was refused.',
} as const

function AppealState({ check: { appeal } }: { check: Check }) {
  if (appeal === undefined) return null
  return (
    <section>
      <h2>{t('Review')}</h2>
      <p>{t(APPEAL_WORDS[appeal.state])}</p>
      <blockquote>{appeal.text}</blockquote>
      {appeal.answer !== undefined && <p>{t('Answer: {answer}', { answer: appeal.answer })}</p>}
    </section>
  )
}
