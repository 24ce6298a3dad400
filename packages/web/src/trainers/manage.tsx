import type { Trainer, TrainerVersion } from '@trainyard/contract'
import { Field, FormProblem, Note } from '../components/form.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

export interface ManageProps {
  trainer: Trainer
  version: TrainerVersion
  problem?: string | undefined
  done?: boolean | undefined
}

/** What the owner of a trainer does with the version that is shown. Every form works without scripts. */
export function Manage({ trainer, version, problem, done }: ManageProps) {
  const action = `/trainers/${trainer.name}/versions/${encodeURIComponent(version.version)}`
  const set = trainer.channels.filter(({ isSet, version: of }) => isSet && of === version.version)
  return (
    <section aria-labelledby="manage">
      <h2 id="manage">{t('Manage {version}', { version: version.version })}</h2>
      {done && <Note>{t('Saved.')}</Note>}
      <FormProblem text={problem} />
      <p>
        <Sentence
          text="{link}: the repositories whose jobs publish this trainer."
          link={<a href={`/publishers/${trainer.name}`}>{t('Publishers')}</a>}
        />
      </p>
      {version.state === 'yanked' ? (
        <>
          <p>
            {t('Yanked: {yankReason}. No range, tag or channel finds this version. Pulls by digest go on.', {
              yankReason: version.yankReason ?? '–',
            })}
          </p>
          <form method="post" action={`${action}/unyank`}>
            <button type="submit">{t('Show it again')}</button>
          </form>
        </>
      ) : (
        <>
          <form class="form" method="post" action={`${action}/channel`}>
            <Field
              name="channel"
              label={t('Channel')}
              required
              maxlength={30}
              hint={t('A name for this version, such as stable')}
            />
            <button type="submit">{t('Set the channel')}</button>
          </form>
          {set.map(({ name }) => (
            <form method="post" action={`${action}/channels/${name}/remove`}>
              <button type="submit" class="quiet">
                {t('Remove the channel {name}', { name })}
              </button>
            </form>
          ))}
          {version.state === 'deprecated' ? (
            <form method="post" action={`${action}/undeprecate`}>
              <button type="submit">{t('Withdraw the deprecation')}</button>
            </form>
          ) : (
            <form class="form" method="post" action={`${action}/deprecate`}>
              <Field name="message" label={t('Why it should not be used')} required maxlength={500} />
              <Field
                name="replacement"
                label={t('Use in its place')}
                maxlength={128}
                hint={t('A version, or namespace/name of another trainer. May stay empty')}
              />
              <button type="submit">{t('Deprecate')}</button>
            </form>
          )}
          <form class="form" method="post" action={`${action}/yank`}>
            <Field
              name="reason"
              label={t('Why it must not be found')}
              required
              maxlength={500}
              hint={t('No range, tag or channel finds a yanked version. Pulls by digest go on. It can be shown again')}
            />
            <button type="submit" class="danger">
              {t('Yank')}
            </button>
          </form>
        </>
      )}
    </section>
  )
}
